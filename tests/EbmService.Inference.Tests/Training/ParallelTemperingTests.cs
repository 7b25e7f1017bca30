using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Boltzmann;
using EbmService.Inference.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Training;

/// <summary>Two patterns far from each other: chains at one temperature stay where they are once the machine tells them apart.</summary>
public sealed class ParallelTemperingTests : IDisposable
{
    private const int Length = 12;

    private static readonly double[] Ladder = [1, 1.5, 2.2, 3.3, 5];

    private static readonly ModelDescriptor Model = new()
    {
        Name = "halves", Title = "Halves", Architecture = ArchitectureRegistry.Write(new RbmSpec(8)),
        Input = new InputSchema(InputKind.Vector, [Length], 0, 1, VariableKind.Binary),
    };

    private static readonly TrainingRecipe Recipe = new()
    {
        Iterations = 1500, Seed = 2, BatchSize = 20, BufferSize = 20, Gibbs = new GibbsRecipe(1), EnergyL2 = 0, LearningRate = 0.01, WarmUp = 5,
        GradientNormClip = 1000, AverageDecay = 0.9, EnergyBound = 1e6, CheckpointEvery = 50, PictureEvery = 0, HeldOut = 0,
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // One sweep an iteration: swaps of even and odd pairs take turns over iterations, or the replicas at 1 would meet no others.
    [Fact]
    public void Run_PatternsFarApart_AreLearntWherePersistentChainsAloneFail()
    {
        double plain = LogLikelihood(Train("plain", Recipe));
        double sameWork = LogLikelihood(Train("work", Recipe with { Gibbs = new GibbsRecipe(Ladder.Length) }));
        double tempered = LogLikelihood(Train("tempered", Recipe with { Gibbs = new GibbsRecipe(Temperatures: Ladder) }));

        // Within 0.3 nats of log(1/2), the best possible; -5.2, -8.4 and -0.81 were seen.
        Assert.InRange(tempered, -1, -0.69);
        Assert.True(plain < -2 && sameWork < -2, $"{plain} and {sameWork}");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Run_StoppedAndResumed_GivesTheSameBits(int sweeps)
    {
        TrainingRecipe recipe = Recipe with { Iterations = 40, Gibbs = new GibbsRecipe(sweeps, FreshShare: 0.1, Temperatures: [1, 2, 4]) };
        Dictionary<string, float[]> whole = Train("whole", recipe);

        Train("parts", recipe, stopAfter: 17);
        Dictionary<string, float[]> resumed = Train("parts", recipe);

        Assert.All(whole, pair => Assert.Equal(pair.Value, resumed[pair.Key]));
    }

    [Fact]
    public void Run_OfWeightsNearZero_SwapsAlwaysAndKeepsTheReplicas()
    {
        TrainingRecipe recipe = Recipe with { Iterations = 2, LearningRate = 1e-30, Gibbs = new GibbsRecipe(1, Temperatures: [1, 2, 4]) };
        using var sut = new Trainer(recipe, Model, new TwoPatternsData(Length), Path.Combine(_folder.Path, "replicas"), new StopAt(-1, new()));

        sut.Run(TestContext.Current.CancellationToken);

        Assert.Equal(1, sut.TrainedRun.Latest!.SwapAcceptance!.Value, 0.05);
        Assert.Equal([20L, 2, Length], sut.TrainedRun.State.Replicas!.States.shape);
    }

    [Theory]
    [InlineData(new[] { 1.0 }, false, "gibbs.temperatures must be 2 to 32")]
    [InlineData(new[] { 1.5, 2 }, false, "gibbs.temperatures must be 2 to 32")]
    [InlineData(new[] { 1.0, 3, 2 }, false, "gibbs.temperatures must be 2 to 32")]
    [InlineData(new[] { 1.0, double.NaN }, false, "gibbs.temperatures must be 2 to 32")]
    [InlineData(new[] { 1.0, 2 }, true, "leave fromData out")]
    [InlineData(new[] { 1.0, 2 }, false, null)]
    public void Faults_OfTemperatures_AreNamed(double[] temperatures, bool fromData, string? part)
    {
        List<string> faults = TrainingRecipeValidator.Faults(Recipe with { Gibbs = new GibbsRecipe(1, fromData, Temperatures: temperatures) }, Model);

        if (part is null)
            Assert.Empty(faults);
        else
            Assert.Contains(faults, fault => fault.Contains(part, StringComparison.Ordinal));
    }

    // Checkpoints of before this setting are gone on with.
    [Fact]
    public void Json_WithoutTemperatures_IsAsItWasBefore() => Assert.Equal(
        """{"sweeps":2,"fromData":false,"freshShare":0}""", JsonSerializer.Serialize(new GibbsRecipe(2), EbmJson.Options));

    private Dictionary<string, float[]> Train(string name, TrainingRecipe recipe, int stopAfter = int.MaxValue)
    {
        using var stop = new CancellationTokenSource();
        using var sut = new Trainer(recipe, Model, new TwoPatternsData(Length), Path.Combine(_folder.Path, name), new StopAt(stopAfter, stop));
        sut.Run(stop.Token);
        return sut.TrainedRun.State.Parameters.ToDictionary(pair => pair.Key, pair => pair.Value.detach().data<float>().ToArray());
    }

    /// <returns>Mean log p of the two patterns, nats.</returns>
    private static double LogLikelihood(Dictionary<string, float[]> parameters)
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureSpec spec = Model.Architecture.Spec();
        using IEnergyModel model = EnergyModelFactory.Create(spec, EnergyModelFactory.ParameterShapes(spec, Model.Input)
            .ToDictionary(pair => pair.Key, pair => tensor(parameters[pair.Key], pair.Value).DetachFromDisposeScope()));
        Tensor states = tensor([.. Enumerable.Range(0, 1 << Length).SelectMany(state => Enumerable.Range(0, Length).Select(i => (float)(state >> i & 1)))], [1 << Length, Length]);
        double[] logDensities = model.Energy(states).neg().data<double>().ToArray();
        double largest = logDensities.Max();
        double logZ = largest + Math.Log(logDensities.Sum(one => Math.Exp(one - largest)));
        return (logDensities[0b000000111111] + logDensities[0b111111000000]) / 2 - logZ;
    }
}
