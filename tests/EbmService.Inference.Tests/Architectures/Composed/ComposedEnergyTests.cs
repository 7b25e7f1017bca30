using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Composed;
using EbmService.Inference.Architectures.ConvJem;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Architectures.Ising;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures.Composed;

/// <summary>Against closed forms, and against the parts' own energies.</summary>
public sealed class ComposedEnergyTests : IDisposable
{
    private static readonly GaussianSpec s_wide = new([1, -1], [[0.5, 0.1], [0.1, 0.4]]);
    private static readonly GaussianSpec s_narrow = new([-0.5, 2], [[3, -1], [-1, 2]]);
    private static readonly ConvJemSpec s_classifier = new([new(4, 3), new(6, 4, 2)], 3);
    private static readonly InputSchema s_picture = new(InputKind.Image, [1, 8, 8], -1, 1);

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Generator _generator = new(3UL);

    public void Dispose()
    {
        _generator.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(0.5, 2)]
    [InlineData(1, -0.05)]
    public void Energy_ProductOfGaussians_IsTheGaussianOfSummedPrecisions(double first, double second)
    {
        // sum_i w_i P_i, and the mean that solves (sum_i w_i P_i) m = sum_i w_i P_i m_i.
        double[,] precision = new double[2, 2];
        double[] moment = new double[2];
        foreach ((double weight, GaussianSpec gaussian) in new[] { (first, s_wide), (second, s_narrow) })
        {
            for (int row = 0; row < 2; row++)
            {
                for (int column = 0; column < 2; column++)
                {
                    precision[row, column] += weight * gaussian.Precision[row][column];
                    moment[row] += weight * gaussian.Precision[row][column] * gaussian.Mean[column];
                }
            }
        }
        double determinant = precision[0, 0] * precision[1, 1] - precision[0, 1] * precision[1, 0];
        double[] mean =
        [
            (precision[1, 1] * moment[0] - precision[0, 1] * moment[1]) / determinant,
            (precision[0, 0] * moment[1] - precision[1, 0] * moment[0]) / determinant,
        ];
        using var expected = new GaussianEnergy(new GaussianSpec(mean, [[precision[0, 0], precision[0, 1]], [precision[1, 0], precision[1, 1]]]));
        using IEnergyModel sut = Create(new ComposedSpec([new(s_wide), new(s_narrow)], [new(0, first), new(1, second)]));
        Tensor x = randn([6, 2], generator: _generator);

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x);

        Tensor difference = energy - expected.Energy(x);
        Assert.True(difference.allclose(difference[0].expand(6), 1e-12, 1e-12));
        Assert.True(gradient.allclose(expected.EnergyAndGradient(x).Gradient, 1e-5, 1e-6));
    }

    [Fact]
    public void Energy_Mixture_IsTheFormula()
    {
        using IEnergyModel sut = Create(new ComposedSpec([new(s_wide), new(s_narrow)], [new(0, 0.25), new(1, 2)], CombineRule.Mixture));
        using var wide = new GaussianEnergy(s_wide);
        using var narrow = new GaussianEnergy(s_narrow);
        Tensor x = randn([6, 2], generator: _generator);

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x);

        Tensor density = 0.25 * wide.Energy(x).neg().exp() + 2 * narrow.Energy(x).neg().exp();
        Assert.True(energy.allclose(density.log().neg(), 1e-12, 1e-12));
        Tensor share = (0.25 * wide.Energy(x).neg().exp() / density).unsqueeze(1);
        Tensor expected = share * wide.EnergyAndGradient(x).Gradient + (1 - share) * narrow.EnergyAndGradient(x).Gradient;
        Assert.True(gradient.allclose(expected.to(ScalarType.Float32), 1e-5, 1e-6));
    }

    [Fact]
    public void Energy_MixtureFarFromAllTerms_StaysFinite()
    {
        using IEnergyModel sut = Create(new ComposedSpec([new(s_wide), new(s_narrow)], [new(0), new(1)], CombineRule.Mixture));

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(tensor(new float[,] { { 1e4f, -1e4f } }));

        Assert.True(energy.isfinite().all().ToBoolean() && gradient.isfinite().all().ToBoolean());
    }

    [Theory]
    [InlineData(CombineRule.Product, 1.0, -0.5)]
    [InlineData(CombineRule.Mixture, 0.7, 0.3)]
    public void Energy_TwoLabelsOfOneModel_AreItsOwnEnergiesOfThem(CombineRule rule, double first, double second)
    {
        IReadOnlyDictionary<string, Tensor> parameters = EnergyModelFactory.Initialise(s_classifier, s_picture, _generator);
        using IEnergyModel own = EnergyModelFactory.Create(s_classifier, parameters.ToDictionary(pair => pair.Key, pair => pair.Value.clone()));
        using IEnergyModel sut = EnergyModelFactory.Create(
            new ComposedSpec([new(s_classifier)], [new(0, first, 2), new(0, second, 1)], rule), parameters.ToDictionary(pair => $"0.{pair.Key}", pair => pair.Value));
        Tensor x = randn([5, 1, 8, 8], generator: _generator);
        (Tensor one, Tensor slopeOne) = own.EnergyAndGradient(x, Label(2));
        (Tensor two, Tensor slopeTwo) = own.EnergyAndGradient(x, Label(1));

        (Tensor energy, Tensor gradient) = sut.EnergyAndGradient(x);

        Tensor share = (first * one.neg().exp() / (first * one.neg().exp() + second * two.neg().exp())).view(5, 1, 1, 1);
        bool isProduct = rule == CombineRule.Product;
        Assert.True(energy.allclose(isProduct ? first * one + second * two : (first * one.neg().exp() + second * two.neg().exp()).log().neg(), 1e-10, 1e-10));
        Tensor expected = isProduct ? first * slopeOne + second * slopeTwo : share * slopeOne + (1 - share) * slopeTwo;
        Assert.True(gradient.allclose(expected.to(ScalarType.Float32), 1e-4, 1e-6));
        Assert.Equal(0, sut.Classes);
    }

    [Fact]
    public void LogitsAndGradient_ByHandAndByAutograd_AreTheSame()
    {
        IReadOnlyDictionary<string, Tensor> parameters = EnergyModelFactory.Initialise(s_classifier, s_picture, _generator);
        var byHand = (ILogitEnergy)EnergyModelFactory.Create(s_classifier, parameters.ToDictionary(pair => pair.Key, pair => pair.Value.clone()));
        var trained = (ILogitEnergy)EnergyModelFactory.Create(
            s_classifier, parameters.ToDictionary(pair => pair.Key, pair => pair.Value.clone().requires_grad_(true)));
        Tensor x = randn([4, 1, 8, 8], generator: _generator);
        Tensor weights = randn([4, 3], ScalarType.Float64, generator: _generator);

        (Tensor logits, Tensor gradient) = byHand.LogitsAndGradient(x, _ => weights.clone());
        (Tensor otherLogits, Tensor otherGradient) = trained.LogitsAndGradient(x, _ => weights.clone());

        Assert.True(logits.allclose(otherLogits, 1e-5, 1e-6));
        Assert.True(gradient.allclose(otherGradient, 1e-4, 1e-6));
        byHand.Dispose();
        trained.Dispose();
    }

    [Theory]
    [InlineData("composed/classes")]
    [InlineData("composed/mixed classes")]
    public void Logits_OfAComposition_AreThoseOfItsJointEnergy(string kind)
    {
        (IEnergyModel sut, Tensor x) = EnergyCases.Create(EnergyCases.Example(kind), 4);

        Tensor logits = sut.Logits(x)!;

        Assert.Equal(3, sut.Classes);
        Assert.True(sut.Energy(x).allclose(logits.logsumexp(1).neg(), 1e-10, 1e-10));
        for (int label = 0; label < 3; label++)
            Assert.True(sut.Energy(x, full([4], label, ScalarType.Int64)).allclose(logits.select(1, label).neg(), 1e-10, 1e-10));
        sut.Dispose();
    }

    [Fact]
    public void Energy_CompositionOfACompositionAndAFormula_IsTheWholeSum()
    {
        var inner = new ComposedSpec([new(s_wide), new(s_narrow)], [new(0), new(1, 0.5)]);
        using IEnergyModel sut = Create(new ComposedSpec([new(inner), new(s_wide)], [new(0, 2), new(1, -0.5)]));
        using IEnergyModel flat = Create(new ComposedSpec([new(s_wide), new(s_narrow)], [new(0, 1.5), new(1, 1)]));
        Tensor x = randn([6, 2], generator: _generator);

        Assert.True(sut.Energy(x).allclose(flat.Energy(x), 1e-12, 1e-12));
    }

    [Fact]
    public void Faults_BadSpec_AreAllNamed()
    {
        var input = new InputSchema(InputKind.Vector, [2], -5, 5);
        var spec = new ComposedSpec(
            [new(s_wide), new(new IsingSpec(0.4)), new(s_narrow)], [new(0, 0), new(1, -1), new(7), new(0, 1, 0)], CombineRule.Mixture);

        string faults = string.Join('\n', ArchitectureRegistry.Family(spec).Faults(spec, input));

        foreach (string fault in new[] { "terms[0].weight", "terms[1].weight", "terms[2].part", "terms[3].label", "parts[1]", "each in a term" })
            Assert.Contains(fault, faults);
    }

    private static Tensor Label(int label) => full([5], label, ScalarType.Int64);

    private static IEnergyModel Create(ComposedSpec spec) => EnergyModelFactory.Create(spec, new Dictionary<string, Tensor>());
}
