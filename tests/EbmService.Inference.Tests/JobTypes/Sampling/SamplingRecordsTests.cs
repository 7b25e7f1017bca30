using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Diagnostics;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;
using EbmService.Inference.JobTypes.Sampling;
using EbmService.Inference.Models;
using EbmService.Inference.Tests.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Sampling;

/// <summary>Starts, held parts, trajectories, draws and extensions of a block on a Gaussian in the plane.</summary>
public sealed class SamplingRecordsTests : IDisposable
{
    private static readonly InputSchema Plane = new(InputKind.Vector, [2], -4, 4);
    private readonly LiveModel _model = Model();
    private readonly MemoryLogs _logs = new();

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
        StepReport again = Advance(sut, 7, wantsStatistics: true);

        Assert.Equal((7, false, null), (report.Step, report.Done, report.Statistics));
        Assert.Equal((7, 7, 1), (again.Step, SeriesOf(again).Draws, SeriesOf(again).Interval));
    }

    [Fact]
    public void Advance_MoreDrawsThanRoom_KeepsMultiplesOfTheInterval()
    {
        using SamplingWorkload sut = Run(Spec(3000) with { Warmup = 100 });

        ChainSeries series = SeriesOf(sut.Advance(Budget(3000, true)));

        // 2900 draws in room for 1024: thinned twice, to every fourth.
        Assert.Equal((4, 104, 725), (series.Interval, series.FirstStep, series.Draws));
    }

    [Fact]
    public void Finish_Thin_KeepsEveryState()
    {
        SafetensorsFile result = Result(Spec(20) with { Thin = 5, Warmup = 5 });

        float[] trajectory = _logs.Read("j", 0);
        Assert.Equal((3, 3 * 4 * 2), (ChainTrajectory.DrawsIn(result), trajectory.Length));
        Assert.Equal(result["states"].ToFloats(), trajectory[^8..]);
        Assert.NotEqual(trajectory[..8], trajectory[8..16]);
    }

    [Fact]
    public void Save_Thin_HoldsNoTrajectoryAndLogsItInSegments()
    {
        SamplingSpec spec = Spec(4000) with { Thin = 1 };
        const int chain = 2 * sizeof(float), draws = 4 << 20;
        SamplingSpec wide = spec with { Chains = 4000, BlockSize = 4000, Steps = 300 };
        using SamplingWorkload sut = Run(wide);
        byte[] saved = sut.Save();

        Assert.True(saved.Length < 300 * 4000 * chain, "the checkpoint holds less than the draws");
        Assert.InRange(_logs.LargestAppend, 1, draws);
        Assert.Equal(300 * 4000 * 2, _logs.Read("j", 0).Length);
    }

    [Fact]
    public void Open_CheckpointOfAnEarlierVersion_TakesItsTrajectoryToTheLog()
    {
        SamplingSpec spec = Spec(20) with { Thin = 1 };
        using SamplingWorkload begun = Open(spec);
        Advance(begun, 10);
        SafetensorsFile saved = SafetensorsFile.Read(begun.Save());
        float[] draws = _logs.Read("j", 0);
        Dictionary<string, SafetensorsTensor> tensors = saved.Tensors.ToDictionary();
        tensors["trajectory"] = SafetensorsTensor.FromFloats(draws, [10, 4, 2]);
        byte[] old = SafetensorsFile.Write(tensors, saved.Metadata.Where(pair => pair.Key != "trajectory.draws").ToDictionary());

        byte[] expected = Run(spec, begun.Save()).Finish();
        float[] whole = _logs.Read("j", 0);
        byte[] resumed = Run(spec, old).Finish();

        Assert.Equal(expected, resumed);
        Assert.Equal(whole, _logs.Read("j", 0));
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
        float[] states = [3, -2, 1, 1, 2, 0, -1, 2];
        using var sut = new SamplingWorkload(Job(spec), Block(spec, 0), _model, CPU, new SkiaImageCodec(), _logs, null, states);
        Advance(sut, 1);

        Assert.Equal(states, Rounded(SafetensorsFile.Read(sut.Finish())));
    }

    [Fact]
    public void Advance_HeldPart_StaysToTheBit()
    {
        var held = new HeldPart(new TensorPayload([2], [1, 0]), new TensorPayload([2, 2], [0.3f, 9, -1.7f, 9]));

        float[] states = Result(Spec(50) with { Held = held })["states"].ToFloats();

        Assert.Equal([0.3f, -1.7f, 0.3f, -1.7f], states.Where((_, i) => i % 2 == 0));
        Assert.All(states.Where((_, i) => i % 2 == 1), value => Assert.NotEqual(9, value));
    }

    /// <summary>MALA with a step that no proposal survives: the chains' places differ, but nobody moved.</summary>
    [Fact]
    public void Advance_ChainsThatNeverMove_SayNothing()
    {
        SamplingSpec spec = Spec(200) with
        {
            Kernel = SamplingKernel.Mala, Mala = new(), StepSize = 50, Noise = null, Temperature = 1, Stop = new(UntilEss: 50, CheckEvery: 100),
        };
        using SamplingWorkload sut = Run(spec);
        var job = new JobDefinition("j", new ModelReference("g", "1", ""), spec);
        var diagnostician = new JobDiagnostician();

        StepReport report = Advance(sut, 200);
        JobDiagnostics diagnostics = diagnostician.Compute(job, [new BlockSeries(Block(spec, 0), SeriesOf(report))], live: false);

        Assert.Equal((0.0, 4, 4), (report.Metrics[SamplingJob.Acceptance], diagnostics.Chains, diagnostics.UnmovedChains));
        Assert.Null(diagnostics.EssBulk ?? diagnostics.EssTail ?? diagnostics.RHat);
        Assert.Null(diagnostician.Judge(job, diagnostics));
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

    private static StepReport Advance(SamplingWorkload sut, int to, bool wantsStatistics = false) => sut.Advance(Budget(to, wantsStatistics));

    private SamplingWorkload Open(SamplingSpec spec, byte[]? checkpoint = null, int block = 0) =>
        new(Job(spec), Block(spec, block), _model, CPU, new SkiaImageCodec(), _logs, checkpoint is null ? (ReadOnlyMemory<byte>?)null : checkpoint);

    private static JobDefinition Job(SamplingSpec spec) => new("j", new ModelReference("g", "1", ""), spec);

    private static BlockPlan Block(SamplingSpec spec, int index) => JobPlan.Create(spec.Chains, spec.BlockSize, _ => spec.Steps).Blocks[index];

    private static ChainSeries SeriesOf(StepReport report) => SamplingJobType.ReadSeries(report.Statistics);

    private static QuantumBudget Budget(int limit, bool wantsStatistics)
    {
        var budget = new QuantumBudget(TimeProvider.System);
        budget.Start(TimeSpan.FromHours(1), limit, wantsStatistics);
        return budget;
    }

    private static SamplingSpec Spec(int steps) => SamplingSpecs.Create(chains: 8, steps: steps, blockSize: 4) with { ScheduleSteps = steps };

    private static LiveModel Model()
    {
        var architecture = new GaussianSpec([0, 0], [[2, 1], [1, 2]]);
        var descriptor = new ModelDescriptor { Name = "g", Title = "g", Architecture = architecture, Input = Plane };
        var hosted = new HostedModel { Key = new("g", "1"), State = ModelState.Ready, Descriptor = descriptor };
        return new LiveModel(hosted, EnergyModelFactory.Create(architecture, new Dictionary<string, Tensor>()), CPU, null, null);
    }

    public void Dispose() => _model.Dispose();
}
