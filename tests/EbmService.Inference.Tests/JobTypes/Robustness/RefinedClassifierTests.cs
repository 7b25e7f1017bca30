using EbmService.Core.Robustness;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.JobTypes.Robustness;
using EbmService.Inference.Tests.Architectures;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Robustness;

/// <summary>The gradient through a chain against differences of what it is a gradient of.</summary>
public sealed class RefinedClassifierTests
{
    public RefinedClassifierTests() => set_num_threads(1);

    public static TheoryData<string, SgldRecipe> Chains => new()
    {
        { "plain", new SgldRecipe { Steps = 3, StepSize = 0.5, Noise = 0.05 } },
        { "noise first", new SgldRecipe { Steps = 3, StepSize = 0.5, Noise = 0.05, Order = UpdateOrder.NoiseFirst } },
        { "clipped and cut", new SgldRecipe { Steps = 3, StepSize = 0.5, Noise = 0.05, GradientClip = new(GradientClipKind.Value, 0.01), StateClamp = new(StateClampKind.Range, -0.8, 0.8) } },
    };

    [Theory, MemberData(nameof(Chains))]
    public void Gradient_ThroughTheChain_IsThatOfTheLoss(string name, SgldRecipe recipe)
    {
        (IEnergyModel model, Tensor x) = EnergyCases.Create("conv-jem");
        using IEnergyModel owned = model;
        using var generator = new Generator(3UL);
        Tensor labels = tensor(new long[] { 0, 1, 2 });
        Tensor noise = randn([recipe.Steps, .. x.shape], generator: generator);
        var sut = new RefinedClassifier(model, new RefinementSpec(recipe, 1, RefinementGradient.ThroughChain));
        Tensor direction = randn(x.shape, generator: generator);

        Tensor gradient = sut.Differentiate(x, noise, labels).Gradient;

        const double h = 1e-3;
        double[] ahead = Losses(sut, x.add(direction.mul(h)), noise, labels), behind = Losses(sut, x.sub(direction.mul(h)), noise, labels);
        double[] sloped = gradient.mul(direction).flatten(1).sum(1).to(ScalarType.Float64).data<double>().ToArray();
        for (int row = 0; row < 3; row++)
            Assert.Equal((ahead[row] - behind[row]) / (2 * h), sloped[row], 0.03 * Math.Max(0.02, Math.Abs(sloped[row])));
        Assert.True(sloped.Any(value => Math.Abs(value) > 1e-3), name);
    }

    [Theory]
    [InlineData("conv-jem")]
    [InlineData("wide-resnet-jem")]
    [InlineData("torchscript/classifier")]
    public void CrossEntropyGradient_InOnePass_IsTheDifferenceOfTwo(string kind)
    {
        (IEnergyModel model, Tensor x) = EnergyCases.Create(kind);
        using IEnergyModel owned = model;
        Tensor labels = tensor(new long[] { 0, 1, 0 });

        (Tensor logits, Tensor gradient) = model.CrossEntropyGradient(x, labels);

        Tensor difference = model.EnergyAndGradient(x, labels).Gradient.sub(model.EnergyAndGradient(x).Gradient);
        Assert.True(logits.allclose(model.Logits(x)!, 1e-6, 1e-6));
        Assert.True(gradient.allclose(difference, 1e-3, 1e-5));
    }

    private static double[] Losses(RefinedClassifier sut, Tensor x, Tensor noise, Tensor labels) =>
        nn.functional.cross_entropy(sut.Differentiate(x, noise, labels).Logits, labels, reduction: nn.Reduction.None).data<double>().ToArray();
}
