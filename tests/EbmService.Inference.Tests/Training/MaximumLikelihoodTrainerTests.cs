using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures.Mlp;
using EbmService.Inference.Training;

namespace EbmService.Inference.Tests.Training;

public sealed class MaximumLikelihoodTrainerTests : IDisposable
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
        (TrainingEnd first, _) = Train("parts", Recipe, new Recorder { OnEach = progress => { if (progress.Iteration == 13) stop.Cancel(); } }, stop);
        var rest = new Recorder();
        (TrainingEnd second, byte[] resumed) = Train("parts", Recipe, rest);

        Assert.Equal((TrainingEnd.Completed, TrainingEnd.Cancelled, TrainingEnd.Completed), (end, first, second));
        Assert.Equal(14, rest.Seen[0].Iteration);
        Assert.Equal(whole, resumed);
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

        using var sut = new MaximumLikelihoodTrainer(recipe, Model, new TwoMoonsData(1000, 0.1, 1), Checkpoint("diverging"), new Recorder());
        TrainingEnd end = sut.Run(TestContext.Current.CancellationToken);

        Assert.Equal(TrainingEnd.Diverged, end);
        Assert.Equal(10, sut.State.Iteration);
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

    private (TrainingEnd End, byte[] State) Train(string name, TrainingRecipe recipe, Recorder recorder, CancellationTokenSource? stop = null)
    {
        using var sut = new MaximumLikelihoodTrainer(recipe, Model, new TwoMoonsData(1000, 0.1, 1), Checkpoint(name), recorder);
        TrainingEnd end = sut.Run(stop?.Token ?? TestContext.Current.CancellationToken);
        return (end, Stateful(File.ReadAllBytes(Checkpoint(name))));
    }

    private string Checkpoint(string name) => Path.Combine(_folder.Path, name + ".safetensors");

    /// <summary>The tensors only: the header's metadata holds elapsed seconds.</summary>
    private static byte[] Stateful(byte[] file) => [.. EbmService.Inference.Checkpoints.SafetensorsFile.Read(file).Tensors
        .OrderBy(pair => pair.Key, StringComparer.Ordinal).SelectMany(pair => pair.Value.Data.ToArray())];

    public void Dispose() => _folder.Dispose();

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
