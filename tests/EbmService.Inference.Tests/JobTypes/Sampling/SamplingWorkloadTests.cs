using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using EbmService.Inference.Buffers;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;
using EbmService.Inference.JobTypes.Sampling;
using EbmService.Inference.Models;
using EbmService.Inference.Tests.Architectures;
using EbmService.Inference.Tests.Models;
using EbmService.Inference.Tests.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Sampling;

public sealed class SamplingWorkloadTests : IDisposable
{
    private static readonly IImageCodec Images = new SkiaImageCodec();
    private readonly LiveModel _model = Live("conv-jem");
    private readonly MemoryLogs _logs = new();
    private readonly QuantumBudget _endless = Budget(TimeSpan.FromHours(1));
    private readonly QuantumBudget _oneStep = Budget(TimeSpan.Zero);

    [Theory]
    [InlineData(ChainStart.Base)]
    [InlineData(ChainStart.Buffer)]
    public void Advance_QuantaOfOneStep_GivesTheSameBitsAsOneQuantum(ChainStart start)
    {
        SamplingSpec spec = Spec() with { Start = start };

        Assert.Equal(RunWhole(spec, 0), RunInQuanta(spec, 0));
    }

    [Fact]
    public void Open_FromCheckpointAtEveryStep_EndsWithTheSameBits()
    {
        SamplingSpec spec = Spec();
        byte[] whole = RunWhole(spec, 0);

        using SamplingWorkload original = Open(spec, 0);
        for (int step = 1; step < spec.Steps; step++)
        {
            original.Advance(_oneStep);
            using SamplingWorkload resumed = Open(spec, 0, original.Save());
            StepReport report = resumed.Advance(_endless);

            Assert.True(report.Done);
            Assert.Equal(whole, resumed.Finish());
        }
    }

    /// <summary>Energies were float32 once: such a checkpoint is gone on with, and its chains' energies are as it rounded them.</summary>
    [Fact]
    public void Open_FromCheckpointWithFloat32Energies_GoesOn()
    {
        SamplingSpec spec = Spec() with { Kernel = SamplingKernel.Mala, Noise = null, Temperature = 1 };
        using SamplingWorkload original = Open(spec, 0);
        original.Advance(_oneStep);
        SafetensorsFile saved = SafetensorsFile.Read(original.Save());
        Dictionary<string, SafetensorsTensor> tensors = saved.Tensors.ToDictionary();
        Assert.Equal(SafetensorsDtype.F64, tensors["state.energy"].Dtype);
        tensors["state.energy"] = SafetensorsTensor.FromFloats(
            [.. tensors["state.energy"].ToDoubles().Select(value => (float)value)], tensors["state.energy"].Shape);

        using SamplingWorkload resumed = Open(spec, 0, SafetensorsFile.Write(tensors, saved.Metadata.ToDictionary()));

        Assert.True(resumed.Advance(_endless).Done);
        Assert.All(SafetensorsFile.Read(resumed.Finish())["energy"].ToFloats(), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void Advance_AmongStrangersOnOtherThreads_GivesTheSameBits()
    {
        SamplingSpec spec = Spec() with { Steps = 40 };
        // As on a slot: matrix products over more threads are cut otherwise and differ in the last bits.
        set_num_threads(1);
        byte[] alone = RunWhole(spec, 1);

        var results = new byte[6][];
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(i => new Thread(() =>
        {
            set_num_threads(1);
            results[i] = i % 2 == 0 ? RunInQuanta(spec, 1) : RunInQuanta(spec with { Seed = i }, 1);
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();

        Assert.Equal(alone, results[0]);
        Assert.Equal(alone, results[2]);
        Assert.Equal(alone, results[4]);
        Assert.NotEqual(alone, results[1]);
    }

    [Fact]
    public void Advance_Bfloat16_RepeatsToTheBitAndDiffersFromFloat32()
    {
        SamplingSpec spec = Spec() with { Precision = SamplingPrecision.Bfloat16 };
        byte[] whole = RunWhole(spec, 0);

        Assert.Equal(whole, RunInQuanta(spec, 0));
        float[] low = SafetensorsFile.Read(whole)["states"].ToFloats();
        float[] full = SafetensorsFile.Read(RunWhole(Spec(), 0))["states"].ToFloats();
        Assert.NotEqual(full, low);
        // bfloat16 keeps 8 bits: gradients differ by about 1 %, ten steps of 0.1 times slopes below 1 by far less than the states' range.
        Assert.All(full.Zip(low), pair => Assert.Equal(pair.First, pair.Second, 0.05f));
    }

    [Fact]
    public void Advance_OtherBlockOfTheSameJob_DrawsOtherNumbers() => Assert.NotEqual(RunWhole(Spec(), 0), RunWhole(Spec(), 1));

    [Fact]
    public void Advance_PreviewDue_DrawsOnlyInTheFirstBlock()
    {
        SamplingSpec spec = Spec() with { PreviewEvery = 5 };
        using SamplingWorkload first = Open(spec, 0);
        using SamplingWorkload second = Open(spec, 1);

        PreviewFrame? drawn = first.Advance(_endless).Preview;

        Assert.Equal(10, drawn?.Step);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], drawn!.Png[..4]);
        Assert.Null(second.Advance(_endless).Preview);
    }

    [Fact]
    public void Advance_UnstableStep_ReportsDivergenceAndFiniteStates()
    {
        using LiveModel gaussian = Live("gaussian");
        SamplingSpec spec = Spec() with { Steps = 2000, StepSize = 10, Labels = [] };
        using var sut = new SamplingWorkload(Job(spec), Block(spec, 0), gaussian, CPU, Images, _logs, null);

        StepReport report = sut.Advance(_endless);

        Assert.Equal(4, report.Metrics[SamplingJob.Diverged]);
        Assert.True(double.IsFinite(report.Metrics[SamplingJob.EnergyMean]));
        SafetensorsFile result = SafetensorsFile.Read(sut.Finish());
        Assert.All(result["states"].ToFloats(), value => Assert.True(float.IsFinite(value)));
        Assert.All(result["energy"].ToFloats(), value => Assert.True(float.IsFinite(value)));
    }

    /// <summary>A transition of a thousand gradients: each call takes one and leaves the step open; it is saved there, and a result of then is the last whole step's.</summary>
    [Fact]
    public void Advance_StepLongerThanTheBudget_IsLeftAfterOneGradientAndGoneOnWith()
    {
        const int Leapfrogs = 40;
        SamplingSpec spec = Spec() with
        {
            Steps = 3, Kernel = SamplingKernel.Hmc, Hmc = new(Leapfrogs, AdaptMass: false), StepSize = 0.01, Noise = null, Temperature = 1, Labels = [],
        };
        using var counting = new CountingEnergy(EnergyCases.Create("conv-jem").Model);
        using LiveModel model = _model with { Energy = counting };
        using SamplingWorkload whole = Open(spec, 0);
        whole.Advance(Budget(TimeSpan.FromHours(1), limit: 1));
        byte[] first = whole.Finish();
        whole.Advance(_endless);

        var sut = new SamplingWorkload(Job(spec), Block(spec, 0), model, CPU, Images, _logs, null);
        int gradients = 0;
        for (StepReport report = new(0, false); !report.Done; gradients++)
        {
            counting.Calls.Clear();
            report = sut.Advance(_oneStep);
            Assert.Single(counting.Calls);
            if (report.Step == 1)
                Assert.Equal(first, sut.Finish());
            if (gradients % 7 != 0)
                continue;
            byte[] checkpoint = sut.Save();
            sut.Dispose();
            sut = new SamplingWorkload(Job(spec), Block(spec, 0), model, CPU, Images, _logs, checkpoint);
        }

        Assert.Equal(1 + spec.Steps * Leapfrogs, gradients);
        Assert.Equal(whole.Finish(), sut.Finish());
        sut.Dispose();
    }

    [Fact]
    public void Dispose_AfterHundredWorkloads_LeavesNoTensors()
    {
        SamplingSpec spec = Spec() with { Steps = 3, PreviewEvery = 1, Start = ChainStart.Buffer };
        RunWhole(spec, 0);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int i = 0; i < 100; i++)
        {
            using SamplingWorkload sut = Open(spec, 0);
            sut.Advance(_oneStep);
            using SamplingWorkload resumed = Open(spec, 0, sut.Save());
            resumed.Advance(_endless);
            resumed.Finish();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Open_DamagedCheckpoint_IsRefused()
    {
        using SamplingWorkload sut = Open(Spec(), 0);
        byte[] checkpoint = sut.Save();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Assert.Throws<InvalidCheckpointException>(() => Open(Spec(), 0, checkpoint[..^1]));
        Assert.Throws<InvalidCheckpointException>(() => Open(Spec() with { BlockSize = 3, Chains = 3 }, 0, checkpoint));
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Advance_PreviewOfEveryStep_EncodesOnePicturePerQuantum()
    {
        var images = new CountingCodec();
        SamplingSpec spec = Spec() with { PreviewEvery = 1 };
        using var sut = new SamplingWorkload(Job(spec), Block(spec, 0), _model, CPU, images, _logs, null);

        PreviewFrame? drawn = sut.Advance(_endless).Preview;

        Assert.Equal((spec.Steps, 1), (drawn?.Step, images.Calls));
    }

    [Fact]
    public void Advance_PreviewOfAModelWithLatents_IsOfItsVisiblePart()
    {
        var images = new CountingCodec();
        SamplingSpec spec = Spec() with { PreviewEvery = 5, Kernel = SamplingKernel.BlockedGibbs, Noise = null, Temperature = 1, Labels = [] };
        using LiveModel deep = Live("dbm/image");
        using var sut = new SamplingWorkload(Job(spec), Block(spec, 0), deep, CPU, images, _logs, null);

        sut.Advance(_endless);

        Assert.Equal((InputKind.Image, "1, 4, 4"), (images.Schema!.Kind, string.Join(", ", images.Schema.Shape)));
    }

    private sealed class CountingCodec : IImageCodec
    {
        public int Calls { get; private set; }

        public InputSchema? Schema { get; private set; }

        public byte[] EncodeGrid(TensorPayload batch, InputSchema schema, int? columns = null)
        {
            Calls++;
            Schema = schema;
            return [1];
        }

        public Outcome<TensorPayload> Decode(ReadOnlySpan<byte> png, InputSchema schema) => throw new NotSupportedException();
    }

    private byte[] RunWhole(SamplingSpec spec, int block)
    {
        using SamplingWorkload sut = Open(spec, block);
        StepReport report = sut.Advance(_endless);
        Assert.Equal((spec.Steps, true), (report.Step, report.Done));
        return sut.Finish();
    }

    private byte[] RunInQuanta(SamplingSpec spec, int block)
    {
        QuantumBudget budget = Budget(TimeSpan.Zero);
        using SamplingWorkload sut = Open(spec, block);
        int quanta = 1;
        while (!sut.Advance(budget).Done)
            quanta++;
        Assert.Equal(spec.Steps, quanta);
        return sut.Finish();
    }

    private SamplingWorkload Open(SamplingSpec spec, int block, byte[]? checkpoint = null) =>
        new(Job(spec), Block(spec, block), _model, CPU, Images, _logs, checkpoint is null ? (ReadOnlyMemory<byte>?)null : checkpoint);

    private static JobDefinition Job(SamplingSpec spec) => new("j", new ModelReference("m", "1", ""), spec);

    private static BlockPlan Block(SamplingSpec spec, int index) => JobPlan.Create(spec.Chains, spec.BlockSize, _ => spec.Steps).Blocks[index];

    private static QuantumBudget Budget(TimeSpan length, int limit = int.MaxValue)
    {
        var budget = new QuantumBudget(TimeProvider.System);
        budget.Start(length, limit);
        return budget;
    }

    private static SamplingSpec Spec() => SamplingSpecs.Create(chains: 8, steps: 10, blockSize: 4) with { Labels = [0, 1, 2] };

    private static LiveModel Live(string kind)
    {
        (ArchitectureSpec architecture, InputSchema input) = EnergyCases.Describe(kind);
        using var generator = new Generator(1UL);
        var descriptor = new ModelDescriptor
        {
            Name = kind, Title = kind, Architecture = architecture, Input = input, Labels = kind == "conv-jem" ? ["a", "b", "c"] : [],
        };
        var hosted = new HostedModel
        {
            Key = new(kind, "1"), State = ModelState.Ready, Descriptor = descriptor, Capabilities = architecture.Family().Capabilities(architecture, input),
        };
        var buffer = ReplayBuffer.Create(30, descriptor.Labels.Count, input, generator);
        return new LiveModel(hosted, EnergyCases.Create(kind).Model, CPU, buffer, null);
    }

    public void Dispose() => _model.Dispose();
}
