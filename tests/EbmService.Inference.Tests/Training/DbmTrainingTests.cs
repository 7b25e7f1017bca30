using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Boltzmann;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Training;

/// <summary>A deep machine of six visible and 4 + 3 hidden units, whose log p(v) is a sum over 8192 states.</summary>
public sealed class DbmTrainingTests : IDisposable
{
    private const int Visible = 6, Units = 13;

    private static readonly ModelDescriptor Model = new()
    {
        Name = "deep", Title = "Deep", Architecture = ArchitectureRegistry.Write(new DbmSpec([4, 3])),
        Input = new InputSchema(InputKind.Vector, [Units], 0, 1, VariableKind.Binary),
    };

    private static readonly TrainingRecipe Recipe = new()
    {
        Iterations = 2000, Seed = 2, BatchSize = 40, BufferSize = 100, Gibbs = new GibbsRecipe(5, FreshShare: 0.1), EnergyL2 = 0, LearningRate = 0.005, WarmUp = 5,
        GradientNormClip = 1000, AverageDecay = 0.9, EnergyBound = 1e6, CheckpointEvery = 50, PictureEvery = 0, HeldOut = 6, ValidateEvery = 10,
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_PersistentOrFromData_LearnsTheDistribution(bool fromData)
    {
        double before = LogLikelihood(Train("start", Recipe with { Iterations = 1 }));

        double after = LogLikelihood(Train($"{fromData}", fromData ? Recipe with { Gibbs = new GibbsRecipe(5, FromData: true) } : Recipe));

        Assert.InRange(before, -4.5, -3.5);
        // Within 0.3 nats of log(1/2), the best possible.
        Assert.InRange(after, -1, -0.69);
    }

    [Fact]
    public void Run_StoppedAndResumed_GivesTheSameBits()
    {
        TrainingRecipe recipe = Recipe with { Iterations = 40 };
        Dictionary<string, float[]> whole = Train("whole", recipe);

        Train("parts", recipe, stopAfter: 17);
        Dictionary<string, float[]> resumed = Train("parts", recipe);

        Assert.All(whole, pair => Assert.Equal(pair.Value, resumed[pair.Key]));
    }

    // The gradient by the parameters at the means is the mean of gradients over the factorised posterior: enumerated here.
    [Fact]
    public void Infer_GradientAtTheMeans_IsTheMeanOfGradients()
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel model = Create(Train("gradient", Recipe with { Iterations = 30, LearningRate = 0.3 }), requiresGradient: true);
        Tensor data = tensor([1f, 1, 1, 0, 0, 0], [1, Visible]), means = ((ILatentModel)model).Infer(data);
        Tensor hidden = Binary(Units - Visible), q = means.narrow(1, Visible, Units - Visible);
        Tensor weights = hidden.mul(q).add(hidden.sub(1).mul(q.sub(1))).prod(1).to(ScalarType.Float64);
        Tensor[] parameters = [.. model.Parameters.Values];

        IList<Tensor> atMeans = autograd.grad([model.Energy(means).sum()], parameters);
        IList<Tensor> enumerated = autograd.grad([model.Energy(cat([data.expand(hidden.shape[0], -1), hidden], 1)).mul(weights).sum()], parameters);

        Assert.True(q.sub(0.5).abs().max().ToDouble() > 0.1, "the means say something");
        Assert.All(atMeans.Zip(enumerated), pair => Assert.True(pair.First.allclose(pair.Second, atol: 1e-5)));
    }

    [Fact]
    public void Run_WholeRows_AreOfTheBufferAndVisibleOnesOfTheData()
    {
        using var sut = new Trainer(Recipe with { Iterations = 20 }, Model, new TwoPatternsData(), Path.Combine(_folder.Path, "rows"), new StopAt(-1, new()));
        sut.Run(TestContext.Current.CancellationToken);
        ModelVersionContent content = TrainedVersionFactory.Create(
            sut, new TrainingPlan(Model, Recipe), new TwoPatternsData(), new ModelProvenance { Command = "", Data = "", Seed = 0, Seconds = 0, FinishedAt = default });

        Assert.Equal([100L, Units], content.Buffer!.Shape);
        Assert.NotNull(content.Calibration);
        Assert.True(double.IsFinite(sut.TrainedRun.Latest!.Validated!.EnergyGap));
        // Of six visible numbers, each of which is wrong at most half of the time at the beginning.
        Assert.InRange(sut.TrainedRun.Latest!.Validated!.ReconstructionError!.Value, 0.01, 0.6);
    }

    [Theory]
    [InlineData("visible", null)]
    [InlineData("whole", "13 numbers, the model takes 6")]
    [InlineData("chain", "chain needs continuous variables: use gibbs")]
    [InlineData("centred", "centred needs gibbs and a restricted Boltzmann machine")]
    [InlineData("bfloat16", "chainInBFloat16 needs")]
    public void Faults_OfDataAndRecipe_AreNamed(string kind, string? part)
    {
        TrainingRecipe recipe = kind switch
        {
            "chain" => Recipe with { Gibbs = null, Chain = new SgldRecipe { StepSize = 1, Temperature = 1 } },
            "centred" => Recipe with { Centred = true },
            "bfloat16" => Recipe with { ChainInBFloat16 = true },
            _ => Recipe,
        };

        List<string> faults = TrainingRecipeValidator.Faults(recipe, Model);
        if (new TrainingPlan(Model, recipe).FaultOf(new TwoPatternsData(kind == "whole" ? Units : Visible)) is { } fault)
            faults.Add(fault);

        if (part is null)
            Assert.Empty(faults);
        else
            Assert.Contains(faults, one => one.Contains(part, StringComparison.Ordinal));
    }

    private Dictionary<string, float[]> Train(string name, TrainingRecipe recipe, int stopAfter = int.MaxValue)
    {
        using var stop = new CancellationTokenSource();
        using var sut = new Trainer(recipe, Model, new TwoPatternsData(), Path.Combine(_folder.Path, name), new StopAt(stopAfter, stop));
        sut.Run(stop.Token);
        return sut.TrainedRun.State.Parameters.ToDictionary(pair => pair.Key, pair => pair.Value.detach().contiguous().data<float>().ToArray());
    }

    private static IEnergyModel Create(Dictionary<string, float[]> parameters, bool requiresGradient = false)
    {
        ArchitectureSpec spec = Model.Architecture.Spec();
        return EnergyModelFactory.Create(spec, EnergyModelFactory.ParameterShapes(spec, Model.Input)
            .ToDictionary(pair => pair.Key, pair => tensor(parameters[pair.Key], pair.Value, requires_grad: requiresGradient).DetachFromDisposeScope()));
    }

    private static Tensor Binary(int length) => tensor(
        [.. Enumerable.Range(0, 1 << length).SelectMany(state => Enumerable.Range(0, length).Select(i => (float)(state >> i & 1)))], [1 << length, length]);

    /// <returns>Mean log p(v) of the two patterns, nats.</returns>
    private static double LogLikelihood(Dictionary<string, float[]> parameters)
    {
        using DisposeScope scope = NewDisposeScope();
        using IEnergyModel model = Create(parameters);
        double[] energies = model.Energy(Binary(Units)).data<double>().ToArray();
        double logZ = Math.Log(energies.Sum(energy => Math.Exp(-energy)));
        return (LogSum(0b000111) + LogSum(0b111000)) / 2 - logZ;

        double LogSum(int visible) => Math.Log(energies.Index().Where(one => (one.Index & 63) == visible).Sum(one => Math.Exp(-one.Item)));
    }
}
