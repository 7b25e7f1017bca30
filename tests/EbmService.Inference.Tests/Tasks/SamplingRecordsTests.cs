using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Checkpoints;
using EbmService.Inference.Imaging;
using EbmService.Inference.Tasks;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Tasks;

/// <summary>Starts, held parts, trajectories, draws and extensions of a block on a Gaussian in the plane.</summary>
public sealed class SamplingRecordsTests : IDisposable
{
    private static readonly InputSchema Plane = new(InputKind.Vector, [2], -4, 4);
    private readonly LiveModel _model = Model();

    [Theory]
    [InlineData(200, 200)]
    [InlineData(700, 900)]
    [InlineData(1, 3)]
    public void Advance_ExtendedFromADoneBlock_IsTheLongRunToTheBit(int first, int more)
    {
        SamplingSpec spec = Spec(first) with { Thin = 1, Schedule = new(ScheduleKind.Cosine, End: 0.1), ScheduleSteps = first };
        using SamplingWorkload whole = Run(spec.Extended(more));
        using SamplingWorkload begun = Run(spec);
        using SamplingWorkload extended = Run(spec.Extended(more), begun.Save());

        Assert.Equal(whole.Finish(), extended.Finish());
        Assert.Equal(whole.Save(), extended.Save());
    }

    [Fact]
    public void Finish_OfABlockThatGoesOn_ChangesNothing()
    {
        using SamplingWorkload asked = Open(Spec(20));
        using SamplingWorkload plain = Open(Spec(20));
        Advance(asked, 10);
        Advance(plain, 10);
        asked.Finish();
        Advance(asked, 20);
        Advance(plain, 20);

        Assert.Equal(plain.Finish(), asked.Finish());
    }

    [Fact]
    public void Advance_StepLimit_StopsThereAndGivesTheDraws()
    {
        using SamplingWorkload sut = Open(Spec(20));

        StepReport report = Advance(sut, 7);
        StepReport again = Advance(sut, 7, wantsSeries: true);

        Assert.Equal((7, false, null), (report.Step, report.Done, report.Series));
        Assert.Equal((7, 7, 1), (again.Step, again.Series!.Draws, again.Series.Interval));
    }

    [Fact]
    public void Advance_MoreDrawsThanRoom_KeepsMultiplesOfTheInterval()
    {
        using SamplingWorkload sut = Run(Spec(3000) with { Warmup = 100 });

        var series = sut.Advance(Budget(3000, true)).Series!;

        // 2900 draws in room for 1024: thinned twice, to every fourth.
        Assert.Equal((4, 104, 725), (series.Interval, series.FirstStep, series.Draws));
    }

    [Fact]
    public void Finish_Thin_KeepsEveryState()
    {
        SafetensorsFile result = Result(Spec(20) with { Thin = 5, Warmup = 5 });

        float[] trajectory = result["trajectory"].ToFloats();
        Assert.Equal([3L, 4, 2], result["trajectory"].Shape);
        Assert.Equal(result["states"].ToFloats(), trajectory[^8..]);
        Assert.NotEqual(trajectory[..8], trajectory[8..16]);
    }

    [Fact]
    public void Open_StartFromData_DealsRowsToTheChainsOfTheJob()
    {
        var data = new TensorPayload([3, 2], [1, 1, 2, 2, 3, 3]);
        SamplingSpec spec = Spec(1) with { Start = ChainStart.Data, Data = data, StepSize = 1e-6, Noise = 0 };

        Assert.Equal([1, 1, 2, 2, 3, 3, 1, 1], Rounded(Result(spec)));
        Assert.Equal([2, 2, 3, 3, 1, 1, 2, 2], Rounded(Result(spec, block: 1)));
    }

    [Fact]
    public void Open_StartFromAJob_TakesItsStates()
    {
        SamplingSpec spec = Spec(1) with { Start = ChainStart.Job, StartJob = new("j", new string('0', 64)), StepSize = 1e-6, Noise = 0 };
        using var sut = new SamplingWorkload(spec, Block(spec, 0), _model, CPU, new SkiaImageCodec(), null, new TensorPayload([1, 2], [3, -2]));
        Advance(sut, 1);

        Assert.Equal([3, -2, 3, -2, 3, -2, 3, -2], Rounded(SafetensorsFile.Read(sut.Finish())));
    }

    [Fact]
    public void Advance_HeldPart_StaysToTheBit()
    {
        var held = new HeldPart(new TensorPayload([2], [1, 0]), new TensorPayload([2, 2], [0.3f, 9, -1.7f, 9]));

        float[] states = Result(Spec(50) with { Held = held })["states"].ToFloats();

        Assert.Equal([0.3f, -1.7f, 0.3f, -1.7f], states.Where((_, i) => i % 2 == 0));
        Assert.All(states.Where((_, i) => i % 2 == 1), value => Assert.NotEqual(9, value));
    }

    private static float[] Rounded(SafetensorsFile result) => [.. result["states"].ToFloats().Select(value => MathF.Round(value))];

    private SafetensorsFile Result(SamplingSpec spec, int block = 0)
    {
        using SamplingWorkload sut = Open(spec, block: block);
        Advance(sut, spec.Steps);
        return SafetensorsFile.Read(sut.Finish());
    }

    private SamplingWorkload Run(SamplingSpec spec, byte[]? checkpoint = null)
    {
        SamplingWorkload sut = Open(spec, checkpoint);
        Assert.True(Advance(sut, spec.Steps).Done);
        return sut;
    }

    private static StepReport Advance(SamplingWorkload sut, int to, bool wantsSeries = false) => sut.Advance(Budget(to, wantsSeries));

    private SamplingWorkload Open(SamplingSpec spec, byte[]? checkpoint = null, int block = 0) =>
        new(spec, Block(spec, block), _model, CPU, new SkiaImageCodec(), checkpoint is null ? (ReadOnlyMemory<byte>?)null : checkpoint);

    private static BlockPlan Block(SamplingSpec spec, int index) => new JobPlanner().Plan(spec).Blocks[index];

    private static QuantumBudget Budget(int limit, bool wantsSeries)
    {
        var budget = new QuantumBudget(TimeProvider.System);
        budget.Start(TimeSpan.FromHours(1), limit, wantsSeries);
        return budget;
    }

    private static SamplingSpec Spec(int steps) => SamplingSpecs.Create(chains: 8, steps: steps, blockSize: 4) with { ScheduleSteps = steps };

    private static LiveModel Model()
    {
        var architecture = new GaussianSpec([0, 0], [[2, 1], [1, 2]]);
        var descriptor = new ModelDescriptor { Name = "g", Title = "g", Architecture = architecture, Input = Plane };
        var hosted = new HostedModel { Key = new("g", "1"), State = ModelState.Ready, Descriptor = descriptor };
        return new LiveModel(hosted, EnergyModelFactory.Create(architecture, new Dictionary<string, Tensor>()), null, null);
    }

    public void Dispose() => _model.Dispose();
}
