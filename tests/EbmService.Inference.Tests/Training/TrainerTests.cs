using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.ConvJem;
using EbmService.Inference.Architectures.Mlp;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Tests.Architectures;
using EbmService.Inference.Training;

namespace EbmService.Inference.Tests.Training;

public sealed class TrainerTests : IDisposable
{
    private static readonly ModelDescriptor Model = new()
    {
        Name = "moons",
        Title = "Moons",
        Architecture = new MlpSpec([32, 32]),
        Input = new InputSchema(InputKind.Vector, [2], -3, 3),
    };

    private static readonly TrainingRecipe Recipe = new()
    {
        Iterations = 40,
        Seed = 3,
        BatchSize = 64,
        BufferSize = 200,
        Chain = new SgldRecipe { Steps = 10, StepSize = 0.05, Temperature = 0.2, Start = ChainStart.Buffer },
        LearningRate = 1e-3,
        WarmUp = 5,
        EnergyL2 = 0.01,
        CheckpointEvery = 20,
        PictureEvery = 0,
    };

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Run_StoppedAndResumed_GivesTheSameBitsAsUninterrupted()
    {
        (TrainingEnd end, byte[] whole) = Train("whole", Recipe, new Recorder());
        using var stop = new CancellationTokenSource();
        (TrainingEnd first, _) = Train(
            "parts", Recipe, new Recorder { OnEach = progress => { if (progress.Iteration == 13) stop.Cancel(); } }, stop);
        var rest = new Recorder();
        (TrainingEnd second, byte[] resumed) = Train("parts", Recipe, rest);

        Assert.Equal((TrainingEnd.Completed, TrainingEnd.Cancelled, TrainingEnd.Completed), (end, first, second));
        Assert.Equal(14, rest.Seen[0].Iteration);
        Assert.Equal(whole, resumed);
    }

    [Fact]
    public void Run_OfClassificationAlone_MakesAClassifierWithoutABuffer()
    {
        var spec = new ConvJemSpec([new ConvolutionLayer(4, 3)], 2);
        ModelDescriptor model = Model with { Architecture = spec, Input = new InputSchema(InputKind.Image, [1, 4, 4], -1, 1), Labels = ["dark", "light"] };
        var recipe = new TrainingRecipe
        {
            Iterations = 60, Seed = 3, BatchSize = 2, HeldOut = 4, LearningRate = 0.02, WarmUp = 1, AverageDecay = 0.5, Classification = new(BatchSize: 16),
        };
        var seen = new Recorder();
        using var trainer = new Trainer(recipe, model, new HalvesData(), Checkpoint("classifier"), seen);

        TrainingEnd end = trainer.Run(TestContext.Current.CancellationToken);
        ModelVersionContent content = TrainedVersionFactory.Create(trainer, new TrainingPlan(model, recipe), new HalvesData(), null!);

        Assert.Equal(TrainingEnd.Completed, end);
        Assert.True(seen.Seen[^1].CrossEntropy < 0.1 * seen.Seen[0].CrossEntropy, $"{seen.Seen[0].CrossEntropy} became {seen.Seen[^1].CrossEntropy}");
        Assert.Null(content.Buffer);
    }

    [Fact]
    public void Run_OtherSeed_GivesOtherWeights()
    {
        (_, byte[] one) = Train("one", Recipe, new Recorder());
        (_, byte[] two) = Train("two", Recipe with { Seed = 4 }, new Recorder());

        Assert.NotEqual(one, two);
    }

    [Fact]
    public void Run_EnergiesPassTheBound_StopsAndKeepsTheLastGoodWeights()
    {
        (_, byte[] good) = Train("diverging", Recipe with { Iterations = 10 }, new Recorder());
        var recipe = Recipe with { EnergyBound = double.Epsilon };

        using var sut = new Trainer(
            recipe, Model, new TwoMoonsData(1000, 0.1, 1), Checkpoint("diverging"), new Recorder());
        TrainingEnd end = sut.Run(TestContext.Current.CancellationToken);

        Assert.Equal(TrainingEnd.Diverged, end);
        Assert.Equal(10, sut.TrainedRun.State.Iteration);
        Assert.Equal(good, Stateful(File.ReadAllBytes(Checkpoint("diverging"))));
    }

    [Fact]
    public void Run_TwoMoons_PutsDataBelowTheSurroundings()
    {
        var recorder = new Recorder();
        Train("moons", Recipe with { Iterations = 300 }, recorder);

        // The gap E+ - E- is negative at the end of training: data lies lower than where chains still are.
        Assert.True(recorder.Seen.TakeLast(50).Average(progress => progress.EnergyData - progress.EnergySamples) < 0.5);
        Assert.All(recorder.Seen, progress => Assert.True(double.IsFinite(progress.GradientNorm)));
    }

    // Data of class 1 alone: for p(x, y) the negatives take its labels, so that chains of other classes never leave the buffer.
    [Theory]
    [InlineData(TrainedDensity.Joint, new[] { 1 })]
    [InlineData(TrainedDensity.Marginal, new[] { 0, 1, 2 })]
    public void Run_DataOfOneClass_RunsChainsOfThatClassOnlyWhereTheDensityIsJoint(TrainedDensity density, int[] classes)
    {
        (ArchitectureSpec architecture, InputSchema input) = EnergyCases.Describe("conv-jem");
        ModelDescriptor model = Model with { Architecture = architecture, Input = input, Labels = ["a", "b", "c"] };
        TrainingRecipe recipe = Recipe with
        {
            Iterations = 3, BatchSize = 16, BufferSize = 30, Density = density, Classification = new ClassificationRecipe(BatchSize: 8),
        };
        using var before = TrainingState.Create(recipe, model);
        using var sut = new Trainer(recipe, model, new OneClass(input.Length(), 1), Checkpoint("labels"), new Recorder());
        sut.Run(TestContext.Current.CancellationToken);

        float[] old = before.Buffer.States.ToFloats(), now = sut.TrainedRun.State.Buffer.States.ToFloats();
        int[] moved = [.. Enumerable.Range(0, 30).Where(slot => !Row(old, slot).SequenceEqual(Row(now, slot)))
            .Select(slot => slot % 3).Distinct().Order()];
        Assert.Equal(classes, moved);

        ReadOnlySpan<float> Row(float[] states, int slot) => states.AsSpan(slot * input.Length(), input.Length());
    }

    [Fact]
    public void Run_CheckpointOfAnotherObjective_IsRefused()
    {
        Train("older", Recipe with { Iterations = 1 }, new Recorder());
        SafetensorsFile written = SafetensorsFile.ReadFile(Checkpoint("older"));
        var metadata = new Dictionary<string, string>(written.Metadata) { ["fingerprint"] = new string('0', 64) };
        SafetensorsFile.WriteFile(Checkpoint("older"), written.Tensors, metadata);

        Assert.Throws<InvalidCheckpointException>(() => Train("older", Recipe, new Recorder()));
    }

    private (TrainingEnd End, byte[] State) Train(
        string name, TrainingRecipe recipe, Recorder recorder, CancellationTokenSource? stop = null)
    {
        using var sut = new Trainer(recipe, Model, new TwoMoonsData(1000, 0.1, 1), Checkpoint(name), recorder);
        TrainingEnd end = sut.Run(stop?.Token ?? TestContext.Current.CancellationToken);
        return (end, Stateful(File.ReadAllBytes(Checkpoint(name))));
    }

    private string Checkpoint(string name) => Path.Combine(_folder.Path, name + ".safetensors");

    /// <summary>The tensors only: the header's metadata holds elapsed seconds.</summary>
    private static byte[] Stateful(byte[] file) => [.. EbmService.Inference.Formats.SafetensorsFile.Read(file).Tensors
        .OrderBy(pair => pair.Key, StringComparer.Ordinal).SelectMany(pair => pair.Value.Data.ToArray())];

    public void Dispose() => _folder.Dispose();

    private sealed class OneClass(int length, int label) : ITrainingData
    {
        public int Count => 100;

        public int RowLength => length;

        public bool HasLabels => true;

        public void CopyRow(int index, Span<float> destination) => destination.Fill(index / 100f);

        public int Label(int index) => label;
    }

    private sealed class Recorder : ITrainingObserver
    {
        public List<TrainingProgress> Seen { get; } = [];

        public Action<TrainingProgress>? OnEach { get; init; }

        public void OnIteration(TrainingProgress progress)
        {
            Seen.Add(progress);
            OnEach?.Invoke(progress);
        }

        public void OnPicture(int iteration, TensorPayload samples)
        {
        }
    }
}
