using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.ConvJem;
using EbmService.Inference.Architectures.DoubleWell;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Architectures.Ising;
using EbmService.Inference.Architectures.Mlp;
using EbmService.Inference.Architectures.Potts;
using EbmService.Inference.Architectures.Ring;
using EbmService.Inference.Models;

namespace EbmService.Inference.Tests.Models;

public sealed class ModelDescriptorValidatorTests
{
    private static readonly ModelDescriptor Mlp = TestRepository.Mlp("m");
    private static readonly ModelDescriptor Jem = TestRepository.Jem("m");
    private static readonly SgldRecipe Recipe = new() { StepSize = 1, Noise = 0.1 };

    [Fact]
    public void Check_GoodDescriptors_Pass()
    {
        ModelDescriptorValidator.Check(Mlp, "m");
        ModelDescriptorValidator.Check(Jem, "m");
        ModelDescriptorValidator.Check(Mlp with { Architecture = new DoubleWellSpec() }, "m");
        ModelDescriptorValidator.Check(Mlp with { Architecture = new RingSpec() }, "m");
        ModelDescriptorValidator.Check(Discrete(new IsingSpec(), VariableKind.Binary, 4, 5), "m");
        ModelDescriptorValidator.Check(Discrete(new IsingSpec(), VariableKind.Binary, 1, 4, 5), "m");
        ModelDescriptorValidator.Check(Discrete(new PottsSpec(1, [0, 1]), VariableKind.Categorical, 3, 2), "m");
    }

    [Fact]
    public void Check_SeveralFaults_ReportsThemAll()
    {
        ModelDescriptor bad = Jem with { DefaultRecipe = "none", Labels = ["a", "a", "c"], Input = Jem.Input with { Min = 1, Max = 1 } };

        string message = Assert.Throws<InvalidModelException>(() => ModelDescriptorValidator.Check(bad, "other")).Message;

        foreach (string part in new[] { "the folder is 'other'", "'none' is no recipe", "3 labels for 2 classes",
            "must differ", "min below max" })
            Assert.Contains(part, message);
    }

    public static TheoryData<int, string> Faults => new()
    {
        { 0, "needs 1 sizes" },
        { 1, "sizes of at least 1" },
        { 2, "sizes of at least 1" },
        { 3, "min below max" },
        { 4, "min below max" },
        { 5, "0 labels for 2 classes" },
        { 6, "1 labels for 0 classes" },
        { 7, "stepSize must be a finite" },
        { 8, "either noise or temperature" },
        { 9, "either noise or temperature" },
        { 10, "freshShare" },
        { 11, "takes vectors" },
        { 12, "symmetric positive-definite" },
        { 13, "symmetric positive-definite" },
        { 14, "symmetric positive-definite" },
        { 15, "barrier and wells" },
        { 16, "oodScore 'maxLogit' is none of" },
        { 17, "recipe 'own': stateClamp has min or max" },
        { 18, "recipe 'own': noise must be" },
        { 19, "radius and width" },
        { 20, "takes binary variables" },
        { 21, "takes categorical variables" },
        { 22, "takes continuous variables" },
        { 23, "(height, width)" },
        { 24, "(height, width)" },
        { 25, "at least (3, 2)" },
        { 26, "one field per category" },
        { 27, "min 0 and max 1" },
        { 28, "vectors of one size" },
        { 29, "defaultKernel blockedGibbs is none of" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Check_OneFault_NamesIt(int index, string words)
    {
        ModelDescriptor[] bad =
        [
            Mlp with { Input = Mlp.Input with { Shape = [1, 2] } },
            Mlp with { Input = Mlp.Input with { Shape = [0] } },
            Jem with { Input = Jem.Input with { Shape = [1, int.MaxValue, int.MaxValue] } },
            Mlp with { Input = Mlp.Input with { Min = double.NegativeInfinity } },
            Mlp with { Input = Mlp.Input with { Max = double.NaN } },
            Jem with { Labels = [] },
            Mlp with { Labels = ["a"] },
            WithRecipe(Recipe with { StepSize = double.NaN }),
            WithRecipe(Recipe with { Temperature = 1 }),
            WithRecipe(Recipe with { Noise = null }),
            WithRecipe(Recipe with { FreshShare = 1.5 }),
            Mlp with { Input = Jem.Input },
            Gaussian([0, 0], [[1, 2], [2, 1]]),
            Gaussian([0, 0], [[1, 0.1], [0.2, 1]]),
            Gaussian([0], [[1]]),
            Mlp with { Architecture = new DoubleWellSpec(Wells: 0) },
            Mlp with { OodScore = "maxLogit" },
            WithRecipe(Recipe with { StateClamp = new(StateClampKind.None, -1, 1) }),
            WithRecipe(Recipe with { Noise = 1e200 }),
            Mlp with { Architecture = new RingSpec(2, 0) },
            Discrete(new IsingSpec(), VariableKind.Categorical, 4, 5),
            Discrete(new PottsSpec(), VariableKind.Binary, 4, 5),
            Discrete(new DoubleWellSpec(), VariableKind.Binary, 4),
            Discrete(new IsingSpec(), VariableKind.Binary, 4),
            Discrete(new IsingSpec(), VariableKind.Binary, 2, 4, 4),
            Discrete(new PottsSpec(), VariableKind.Categorical, 2, 3),
            Discrete(new PottsSpec(1, [1]), VariableKind.Categorical, 4, 3),
            Mlp with { Input = new(InputKind.Vector, [2], -1, 1, VariableKind.Binary) },
            Discrete(new MlpSpec([4]), VariableKind.Binary, 4, 4),
            Mlp with { DefaultKernel = SamplingKernel.BlockedGibbs },
        ];

        Assert.Contains(words, Assert.Throws<InvalidModelException>(() => ModelDescriptorValidator.Check(bad[index], "m")).Message);
    }

    /// <summary>No JSON holds such numbers: they come from code.</summary>
    [Fact]
    public void Faults_NumbersThatAreNotFinite_AreNamed()
    {
        ArchitectureSpec[] bad = [new IsingSpec(double.NaN), new PottsSpec(1, [1, double.PositiveInfinity, 0])];
        InputSchema[] inputs =
            [new(InputKind.Vector, [4, 4], 0, 1, VariableKind.Binary), new(InputKind.Vector, [4, 3], 0, 1, VariableKind.Categorical)];

        foreach ((ArchitectureSpec spec, InputSchema input) in bad.Zip(inputs))
            Assert.Contains(spec.Family().Faults(spec, input), fault => fault.Contains("finite coupling", StringComparison.Ordinal));
    }

    [Fact]
    public void Shapes_OfTheMnistNetwork_CountItsWeights()
    {
        // The prototype of 03-domain.md has 230 122 weights: strides 1 and 2 take 28 to 28, 14, 14, 7, 7, 3.
        var jem = new ConvJemSpec(
            [new(16, 3), new(32, 4, 2), new(32, 3), new(64, 4, 2), new(64, 3), new(128, 4, 2)], 10);

        ArchitectureShapes sut = ArchitectureShapes.Of(jem, new InputSchema(InputKind.Image, [1, 28, 28], -1, 1));

        Assert.Equal(230_122, sut.ParameterCount);
        Assert.Equal([10, 1152], sut.Parameters["head.weight"]);
        Assert.Equal(784 + 16 * 784 + 2 * 32 * 196 + 2 * 64 * 49 + 128 * 9 + 10, sut.Activations);
    }

    public static TheoryData<int, string> TooMuch => new()
    {
        { 0, "no layers" },
        { 1, "1 classes" },
        { 2, "below its least in layer 1" },
        { 3, "kernel larger than its input in layer 0" },
        { 4, "activations" },
        { 5, "parameters" },
        { 6, "activations" },
        { 7, "parameters" },
        { 8, "without width" },
        { 9, "activations" },
        { 10, "below its least in layer 0" },
    };

    [Theory]
    [MemberData(nameof(TooMuch))]
    public void Shapes_OverTheLimits_AreRefusedBeforeAnythingIsAllocated(int index, string words)
    {
        const int Max = int.MaxValue;
        ArchitectureSpec[] bad =
        [
            new ConvJemSpec([], 2),
            new ConvJemSpec([new(4, 3)], 1),
            new ConvJemSpec([new(4, 3), new(4, 3, 0)], 2),
            new ConvJemSpec([new(4, 9)], 2),
            new ConvJemSpec([new(100_000_000, 3)], 2),
            new ConvJemSpec([new(5000, 3), new(5000, 3)], 2),
            new ConvJemSpec([new(4, 3, 1, 1 << 20)], 2),
            new MlpSpec([20_000, 20_000]),
            new MlpSpec([3, 0]),
            new MlpSpec([Max, Max, Max]),
            new ConvJemSpec([null!], 2),
        ];
        InputSchema input = bad[index] is MlpSpec ? Mlp.Input : Jem.Input;

        Assert.Contains(words, Assert.Throws<InvalidModelException>(() => ArchitectureShapes.Of(bad[index], input)).Message);
    }

    private static ModelDescriptor WithRecipe(SgldRecipe recipe) =>
        Mlp with { Recipes = new Dictionary<string, SgldRecipe> { ["own"] = recipe } };

    private static ModelDescriptor Discrete(ArchitectureSpec architecture, VariableKind variables, params int[] shape) =>
        Mlp with { Architecture = architecture,
            Input = new(shape.Length == 3 ? InputKind.Image : InputKind.Vector, shape, 0, 1, variables) };

    private static ModelDescriptor Gaussian(double[] mean, double[][] precision) =>
        Mlp with { Architecture = new GaussianSpec(mean, precision) };
}
