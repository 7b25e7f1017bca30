using EbmService.Inference.Annealing;

namespace EbmService.Inference.Tests.Annealing;

public sealed class LogWeightStatisticsTests
{
    /// <summary>Log-normal weights of mean 1: the spread from mild to so heavy that 100 of them hardly ever meet what has the mass.</summary>
    [Theory]
    [InlineData(0.1, 100)]
    [InlineData(1, 100)]
    [InlineData(1, 5)]
    [InlineData(3, 100)]
    [InlineData(6, 100)]
    public void LowerBound_AnySpread_IsAboveTheTruthNoMoreOftenThanStated(double spread, int count)
    {
        const double Alpha = 0.05;
        const int Runs = 1000;
        var random = new Random(7);

        int above = Enumerable.Range(0, Runs).Count(_ => LogWeightStatistics.LowerBound(Draw(random, spread, count), Alpha) > 0);

        // 50 in 1000 at most on average, and four deviations.
        Assert.InRange(above, 0, 50 + 28);
    }

    [Fact]
    public void LowerBound_OfManyWellBehavedWeights_IsNearTheMean()
    {
        double[] logs = Draw(new Random(3), 0.5, 2000);

        double bound = LogWeightStatistics.LowerBound(logs, 0.025);

        Assert.InRange(LogWeightStatistics.Of(logs).LogMean - bound, 0.01, 0.1);
    }

    [Fact]
    public void LowerBound_OfEqualWeights_NeedsFewOfThem()
    {
        double[] logs = [.. Enumerable.Repeat(1234.5, 100)];

        Assert.InRange(1234.5 - LogWeightStatistics.LowerBound(logs, 0.025), 0.03, 0.08);
        Assert.Equal((1234.5, 0.0, 100.0), (LogWeightStatistics.Of(logs).LogMean, LogWeightStatistics.Of(logs).StandardError, LogWeightStatistics.Of(logs).EffectiveSize));
    }

    [Fact]
    public void LowerBound_WithWeightsOfZero_StaysBelowTheMean()
    {
        double[] logs = [.. Enumerable.Range(0, 200).Select(i => i % 2 == 0 ? 0 : double.NegativeInfinity)];

        Assert.InRange(LogWeightStatistics.LowerBound(logs, 0.025), Math.Log(0.5) - 0.4, Math.Log(0.5));
        Assert.Equal(double.NegativeInfinity, LogWeightStatistics.LowerBound([double.NegativeInfinity, double.NegativeInfinity], 0.025));
    }

    /// <summary>Works of normal distributions that fulfil Crooks's relation: forward of mean m - s^2 / 2 and reverse of mean -m - s^2 / 2.</summary>
    [Theory]
    [InlineData(100, 100)]
    [InlineData(400, 50)]
    public void Bennett_OfBothSides_IsCloserThanEither(int forward, int reverse)
    {
        const double Ratio = 321, Spread = 2;
        var random = new Random(5);
        double errors = 0, ofForward = 0;
        for (int run = 0; run < 50; run++)
        {
            double[] up = [.. Draw(random, Spread, forward).Select(log => Ratio + log)], down = [.. Draw(random, Spread, reverse).Select(log => log - Ratio)];
            errors += Math.Pow(LogWeightStatistics.Bennett(up, down) - Ratio, 2);
            ofForward += Math.Pow(LogWeightStatistics.Of(up).LogMean - Ratio, 2);
        }

        Assert.True(errors < 0.5 * ofForward, $"{errors / 50} against {ofForward / 50}");
        Assert.InRange(Math.Sqrt(errors / 50), 0, 0.35);
    }

    /// <summary>Weights of mean 1.</summary>
    private static double[] Draw(Random random, double spread, int count) => [.. Enumerable.Range(0, count).Select(_ =>
        spread * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()) - spread * spread / 2)];
}
