using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

public sealed class EbfmiTests
{
    // ArviZ's own test (test_diagnostics.py, test_bfmi): changes of 1, variance 5/3.
    [Fact]
    public void Of_ArvizExample_IsItsResult() =>
        Assert.Equal(0.6, Assert.Single(TestChains.Ebfmi(ChainDraws.From([1.0, 2, 3, 4], 1)))!.Value, 1e-12);

    // For an autoregression E (x' - x)^2 = 2 (1 - rho) Var x.
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.9)]
    public void Of_Autoregression_IsNearItsClosedForm(double rho)
    {
        double?[] actual = TestChains.Ebfmi(ChainDraws.From(TestChains.Autoregressive(50_000, 2, rho, seed: 31), 2));

        Assert.All(actual, value => Assert.InRange(value!.Value / (2 * (1 - rho)), 0.95, 1.05));
    }

    [Fact]
    public void Of_UndefinedChains_IsNullForThoseOnly()
    {
        double[][] chains = [[1, 2, 4], [5, 5, 5], [1, double.NaN, 2], [1, 2, double.PositiveInfinity]];

        double?[] actual = TestChains.Ebfmi(ChainDraws.From(TestChains.Rows(chains), 4));

        // Changes 1 and 4, squared deviations 14/3.
        Assert.Equal(15.0 / 14, actual[0]!.Value, 1e-12);
        Assert.Equal([null, null, null], actual[1..]);
        Assert.Equal([null, null], TestChains.Ebfmi(ChainDraws.From([1.0, 2], 2)));
        Assert.Equal([null], TestChains.Ebfmi(ChainDraws.From(ReadOnlySpan<double>.Empty, 1)));
    }

    // The batch formula in two passes, from doubles around 1e6: running sums must not lose their digits.
    [Fact]
    public void Accumulator_LargeEnergies_EqualsTheBatchFormula()
    {
        double[] energies = [.. TestChains.Autoregressive(5000, 1, 0.8, seed: 32).Select(value => 1e6 + value)];
        var sut = new EbfmiAccumulator(1);
        foreach (double energy in energies)
            sut.Add([energy]);

        double mean = energies.Average(), variance = energies.Sum(energy => (energy - mean) * (energy - mean)) / 4999;
        double change = energies.Zip(energies.Skip(1), (a, b) => (b - a) * (b - a)).Average();
        Assert.Equal(change / variance, sut.Values()[0]!.Value, 1e-8);
    }

    [Fact]
    public void Accumulator_SavedAndLoadedAnywhere_GoesOnToTheBit()
    {
        double[] energies = TestChains.Autoregressive(40, 3, 0.5, seed: 33);
        double?[] expected = TestChains.Ebfmi(ChainDraws.From(energies, 3));

        for (int cut = 0; cut <= 40; cut += 5)
        {
            var first = new EbfmiAccumulator(3);
            for (int draw = 0; draw < cut; draw++)
                first.Add(energies.AsSpan(draw * 3, 3));
            EbfmiAccumulator second = EbfmiAccumulator.Load(first.Save());
            for (int draw = cut; draw < 40; draw++)
            {
                first.Add([0.0, 0, 0]);
                second.Add(energies.AsSpan(draw * 3, 3));
            }

            Assert.Equal(expected, second.Values());
        }
    }

    [Fact]
    public void Accumulator_ArraysOfDifferentLengths_Throws()
    {
        EbfmiState state = new EbfmiAccumulator(2).Save();

        Assert.Throws<ArgumentException>(() => EbfmiAccumulator.Load(state with { Last = [1] }));
        Assert.Throws<ArgumentException>(() => new EbfmiAccumulator(2).Add([1.0]));
    }
}
