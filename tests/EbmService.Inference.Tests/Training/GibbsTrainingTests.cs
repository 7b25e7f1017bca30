using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Boltzmann;
using EbmService.Inference.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Training;

/// <summary>A machine of six binary pixels, whose log-likelihood is a sum over 64 states.</summary>
public sealed class GibbsTrainingTests : IDisposable
{
    private static readonly ModelDescriptor Model = new()
    {
        Name = "bars", Title = "Bars", Architecture = ArchitectureRegistry.Write(new RbmSpec(8)),
        Input = new InputSchema(InputKind.Vector, [6], 0, 1, VariableKind.Binary),
    };

    private static readonly TrainingRecipe Recipe = new()
    {
        Iterations = 800, Seed = 2, BatchSize = 32, BufferSize = 64, Gibbs = new GibbsRecipe(2), EnergyL2 = 0, LearningRate = 0.005, WarmUp = 5,
        GradientNormClip = 1000, AverageDecay = 0.9, EnergyBound = 1e6, CheckpointEvery = 50, PictureEvery = 0, HeldOut = 0,
    };

    private readonly TemporaryFolder _folder = new();

    /// <summary>Two patterns of the three pixels on either side: the best possible is -log 2 nats a row.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_PersistentOrFromData_LearnsTheDistribution(bool fromData)
    {
        double before = LogLikelihood(Train("start", Recipe with { Iterations = 1 }));

        double after = LogLikelihood(Train($"{fromData}", Recipe with { Iterations = 1500, Gibbs = new GibbsRecipe(5, fromData, fromData ? 0 : 0.05) }));

        Assert.InRange(before, -4.5, -3.5);
        // Within 0.3 nats of log(1/2).
        Assert.InRange(after, -1, -0.69);
    }

    [Fact]
    public void Run_StoppedAndResumed_GivesTheSameBits()
    {
        TrainingRecipe recipe = Recipe with { Iterations = 40 };
        IReadOnlyDictionary<string, float[]> whole = Train("whole", recipe);

        Train("parts", recipe, stopAfter: 17);
        IReadOnlyDictionary<string, float[]> resumed = Train("parts", recipe);

        Assert.All(whole, pair => Assert.Equal(pair.Value, resumed[pair.Key]));
    }

    [Fact]
    public void Run_WeightDecay_ShrinksWeightsAndNoBiases()
    {
        IReadOnlyDictionary<string, float[]> free = Train("free", Recipe with { Iterations = 200 });
        IReadOnlyDictionary<string, float[]> held = Train("held", Recipe with { Iterations = 200, WeightDecay = 2 });

        Assert.True(held["weight"].Sum(Math.Abs) < 0.5 * free["weight"].Sum(Math.Abs));
        Assert.True(held["visible.bias"].Sum(Math.Abs) > 0.5 * free["visible.bias"].Sum(Math.Abs));
    }

    [Theory]
    [InlineData(0.5, false)]
    [InlineData(0.5, true)]
    public void Run_MomentumAndCentring_LearnTheDistributionToo(double momentum, bool centred)
    {
        TrainingRecipe recipe = Recipe with
        {
            Iterations = 1500, Gibbs = new GibbsRecipe(5, FreshShare: 0.05), Momentum = momentum, Centred = centred, LearningRate = 0.2,
        };

        Assert.InRange(LogLikelihood(Train("momentum", recipe)), -1, -0.69);
    }

    // What a machine learns must not depend on which of a unit's two states is called 1: the plain gradient fails this.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Centre_OfFlippedData_IsTheGradientOfTheFlippedMachine(bool centred)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(3UL);
        Tensor weight = randn([4, 6], generator: generator), visible = randn([6], generator: generator), hidden = randn([4], generator: generator);
        Tensor data = rand([10, 6], generator: generator).lt(0.8).to(ScalarType.Float32), samples = rand([10, 6], generator: generator).lt(0.4).to(ScalarType.Float32);

        Tensor[] one = Flip(Step(weight, visible, hidden, data, samples, centred));
        Tensor[] flipped = Flip([weight, visible, hidden]);
        Tensor[] two = Step(flipped[0], flipped[1], flipped[2], 1 - data, 1 - samples, centred);

        bool equal = one.Zip(two).All(pair => pair.First.allclose(pair.Second, atol: 1e-4, rtol: 1e-4));
        Assert.Equal(centred, equal);

        // E(v) = E'(1 - v): W' = -W, b' = -b, c' = c + W 1.
        static Tensor[] Flip(Tensor[] of) => [of[0].neg(), of[1].neg(), of[2].add(of[0].sum(1))];
    }

    [Theory]
    [InlineData("both", "exactly one of chain, gibbs and denoising")]
    [InlineData("none", "exactly one of chain, gibbs and denoising")]
    [InlineData("sweeps", "at least one of sweeps")]
    [InlineData("chain", "continuous variables")]
    [InlineData("architecture", "conditionals of blocks")]
    [InlineData("denoising", "denoising needs continuous variables")]
    [InlineData("momentum", "momentum must be")]
    [InlineData("centred", "centred needs gibbs")]
    public void Faults_OfTheNegativeSamples_AreNamed(string kind, string part)
    {
        SgldRecipe chain = new() { Steps = 1, StepSize = 1, Temperature = 1 };
        ModelDescriptor model = kind == "architecture"
            ? Model with { Architecture = ArchitectureRegistry.Write(new Inference.Architectures.Mlp.MlpSpec([4])) } : Model;
        TrainingRecipe recipe = kind switch
        {
            "both" => Recipe with { Chain = chain },
            "none" => Recipe with { Gibbs = null },
            "sweeps" => Recipe with { Gibbs = new GibbsRecipe(0) },
            "chain" => Recipe with { Gibbs = null, Chain = chain },
            "denoising" => Recipe with { Gibbs = null, Denoising = new DenoisingRecipe(0.1) },
            "momentum" => Recipe with { Momentum = 1 },
            "centred" => Recipe with { Gibbs = null, Chain = chain, Centred = true },
            _ => Recipe,
        };

        Assert.Contains(TrainingRecipeValidator.Faults(recipe, model), fault => fault.Contains(part, StringComparison.Ordinal));
    }

    public void Dispose() => _folder.Dispose();

    private Dictionary<string, float[]> Train(string name, TrainingRecipe recipe, int stopAfter = int.MaxValue)
    {
        using var stop = new CancellationTokenSource();
        string checkpoint = Path.Combine(_folder.Path, name);
        using var sut = new Trainer(recipe, Model, new TwoPatternsData(), checkpoint, new StopAt(stopAfter, stop));
        sut.Run(stop.Token);
        return sut.TrainedRun.State.Parameters.ToDictionary(pair => pair.Key, pair => pair.Value.detach().data<float>().ToArray());
    }

    /// <summary>The parameters after one step down the gradient of mean E(data) - mean E(samples).</summary>
    private static Tensor[] Step(Tensor weight, Tensor visible, Tensor hidden, Tensor data, Tensor samples, bool centred)
    {
        var parameters = new Dictionary<string, Tensor> { ["weight"] = weight, ["visible.bias"] = visible, ["hidden.bias"] = hidden };
        foreach (string name in parameters.Keys.ToArray())
            parameters[name] = parameters[name].detach().clone().requires_grad_(true).DetachFromDisposeScope();
        using var model = new RbmEnergy(VisibleUnits.Bernoulli, parameters);
        Tensor[] leaves = [.. parameters.Values];
        IList<Tensor> gradients = autograd.grad([model.Energy(data).mean().sub(model.Energy(samples).mean())], leaves);
        Dictionary<string, Tensor> named = parameters.Keys.Zip(gradients).ToDictionary(pair => pair.First, pair => pair.Second);
        if (centred)
            named = model.Centre(named, data, samples);
        return [.. parameters.Select(pair => pair.Value.detach().sub(named[pair.Key]))];
    }

    /// <returns>Mean log p of the two patterns, nats.</returns>
    private static double LogLikelihood(Dictionary<string, float[]> parameters)
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureSpec spec = Model.Architecture.Spec();
        using IEnergyModel model = EnergyModelFactory.Create(spec, EnergyModelFactory.ParameterShapes(spec, Model.Input)
            .ToDictionary(pair => pair.Key, pair => tensor(parameters[pair.Key], pair.Value).DetachFromDisposeScope()));
        Tensor states = tensor([.. Enumerable.Range(0, 64).SelectMany(state => Enumerable.Range(0, 6).Select(i => (float)(state >> i & 1)))], [64, 6]);
        double[] energies = model.Energy(states).data<double>().ToArray();
        double logZ = Math.Log(energies.Sum(energy => Math.Exp(-energy)));
        return (-energies[0b000111] - energies[0b111000]) / 2 - logZ;
    }
}
