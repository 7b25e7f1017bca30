using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Mlp;
using EbmService.Inference.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Training;

public sealed class DenoisingTests : IDisposable
{
    private const double Deviation = 0.5;
    private const double Noise = 0.3;

    private static readonly ModelDescriptor Model = new()
    {
        Name = "normal", Title = "Normal", Architecture = new MlpSpec([32, 32]), Input = new InputSchema(InputKind.Vector, [2], -3, 3),
    };

    private static readonly TrainingRecipe Recipe = new()
    {
        Iterations = 1500, Seed = 3, BatchSize = 128, Denoising = new DenoisingRecipe(Noise), EnergyL2 = 0, LearningRate = 5e-3, WarmUp = 20,
        GradientNormClip = 10, AverageDecay = 0.99, EnergyBound = 1000, CheckpointEvery = 5000, PictureEvery = 0, HeldOut = 0,
    };

    private readonly TemporaryFolder _folder = new();

    // Normal data and normal noise: the smoothed density is normal, and its energy's gradient is x over the sum of the variances.
    [Fact]
    public void Run_NormalData_LearnsTheScoreOfTheSmoothedDensity()
    {
        using DisposeScope scope = NewDisposeScope();
        using var sut = new Trainer(Recipe, Model, new Normal(), Path.Combine(_folder.Path, "run"), new Silent());

        Assert.Equal(TrainingEnd.Completed, sut.Run(TestContext.Current.CancellationToken));

        using IEnergyModel learned = EnergyModelFactory.Frozen(Model.Architecture.Spec(), sut.TrainedRun.State.Optimizer.Average());
        Tensor points = tensor(new float[] { 0, 0, 0.5f, 0, -0.5f, 0.5f, 0, -0.8f, 0.8f, 0.3f, -0.6f, -0.6f }, [6, 2]);
        Tensor exact = points.div(Deviation * Deviation + Noise * Noise);
        Tensor error = learned.EnergyAndGradient(points).Gradient.sub(exact).norm(1);
        // The largest exact gradient has length 2.5; the error allowed is a tenth of that.
        Assert.True(error.max().ToDouble() < 0.25, $"errors: {string.Join(", ", error.data<float>().ToArray())}");
    }

    [Fact]
    public void Run_StoppedAndResumed_GivesTheSameBits()
    {
        Assert.Equal(Weights("whole", 12), (Weights("parts", 5), Weights("parts", 12)).Item2);

        float[] Weights(string name, int iterations)
        {
            // Only a cancelled run keeps the length of its schedule.
            using var stop = new CancellationTokenSource();
            using var sut = new Trainer(Recipe with { Iterations = 12 }, Model, new Normal(), Path.Combine(_folder.Path, name), new Silent(iterations, stop));
            sut.Run(stop.Token);
            return [.. sut.TrainedRun.State.Parameters.Values.SelectMany(parameter => parameter.detach().data<float>().ToArray())];
        }
    }

    public void Dispose() => _folder.Dispose();

    private sealed class Normal : ITrainingData
    {
        private readonly float[] _rows = new float[8000];

        public Normal()
        {
            using var generator = new Generator(1UL);
            using Tensor drawn = randn([_rows.Length], generator: generator).mul_(Deviation);
            drawn.data<float>().CopyTo(_rows);
        }

        public int Count => _rows.Length / 2;

        public int RowLength => 2;

        public bool HasLabels => false;

        public void CopyRow(int index, Span<float> destination) => _rows.AsSpan(2 * index, 2).CopyTo(destination);

        public int Label(int index) => -1;
    }

    private sealed class Silent(int stopAfter = int.MaxValue, CancellationTokenSource? stop = null) : ITrainingObserver
    {
        public void OnIteration(TrainingProgress progress)
        {
            if (progress.Iteration == stopAfter)
                stop?.Cancel();
        }

        public void OnPicture(int iteration, TensorPayload samples)
        {
        }
    }
}
