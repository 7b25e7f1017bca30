using EbmService.Inference.Ood;

namespace EbmService.Inference.Tests.Ood;

public sealed class OodCalibrationTests
{
    // At the smallest p-value 1 / (n + 1) an exact p-value refuses that share of in-distribution inputs. With the mean of the calibration
    // rows themselves it was 0.062 instead of 0.05 for 19 rows. 20 000 rounds: four standard errors are 0.0085 at 0.1.
    [Theory]
    [InlineData(19)]
    [InlineData(20)]
    [InlineData(38)]
    public void PValue_TypicalityOfFewRows_RefusesTheShareThatItSays(int rows)
    {
        const int Rounds = 20_000;
        var random = new Random(rows);
        float Draw() => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        int refused = 0;
        double smallest = 0;
        for (int round = 0; round < Rounds; round++)
        {
            OodCalibration sut = Create([.. Enumerable.Range(0, rows).Select(_ => Draw())]);
            smallest = sut.SmallestPValue(OodScorer.Typicality);
            refused += sut.PValue(OodScorer.Typicality, sut.Typicality(Draw())) <= smallest + 1e-12 ? 1 : 0;
        }

        double tolerance = 4 * Math.Sqrt(smallest * (1 - smallest) / Rounds);
        Assert.InRange(refused / (double)Rounds, smallest - tolerance, smallest + tolerance);
    }

    [Fact]
    public void Fit_Typicality_EvenRowsFitAndOddRowsCalibrate()
    {
        OodCalibration sut = Create([1, 100, 3, 200, 2, 2]);

        Assert.Equal(0, sut.Typicality(2));
        Assert.Equal((1.0 / 7, 1.0 / 4), (sut.SmallestPValue(OodScorer.LogDensity), sut.SmallestPValue(OodScorer.Typicality)));
        // Calibration scores -98, -198 and 0.
        Assert.Equal(
            [0.25, 0.5, 0.75, 1], new[] { 500, 102, 50f, 2 }.Select(value => sut.PValue(OodScorer.Typicality, sut.Typicality(value))));
    }

    [Fact]
    public void Fit_OneRow_GivesNoTypicality()
    {
        OodCalibration sut = Create([5]);

        Assert.False(sut.HasTypicality || sut.Has(OodScorer.Typicality));
        Assert.True(sut.Has(OodScorer.LogDensity));
        Assert.Throws<InvalidOperationException>(() => sut.Typicality(7));
    }

    private static OodCalibration Create(float[] logDensity)
    {
        (IReadOnlyDictionary<string, float[]> scores, float? mean) = OodCalibration.Fit(
            new Dictionary<string, float[]> { [OodScorer.LogDensity] = logDensity });
        return new OodCalibration("id", scores, mean);
    }

    // n = 4: (1 + #{<= s}) / 5.
    [Theory]
    [InlineData(0f, 0.2)]
    [InlineData(1f, 0.4)]
    [InlineData(2f, 0.8)]
    [InlineData(2.5f, 0.8)]
    [InlineData(9f, 1.0)]
    [InlineData(float.NaN, 0.2)]
    public void PValue_AgainstFourScores_CountsThoseAtOrBelow(float score, double expected) =>
        Assert.Equal(expected, PValue([1, 2, 2, 3], score), 12);

    // NaN counts as the lowest: n = 4, of which 2.
    [Theory]
    [InlineData(-1f, 0.6)]
    [InlineData(1f, 0.8)]
    [InlineData(9f, 1.0)]
    [InlineData(float.NaN, 0.6)]
    public void PValue_CalibrationWithNaN_StaysInOrder(float score, double expected) =>
        Assert.Equal(expected, PValue([float.NaN, 1, float.NaN, 2], score), 12);

    // Exchangeable scores: P(p <= alpha) <= alpha, and p is nearly uniform. 4 000 draws: 3 standard errors of the share
    // at 0.05 are 0.0103, at 0.5 they are 0.024; the calibration set itself adds sqrt(a (1 - a) / 4000) once more.
    [Theory]
    [InlineData(0.05, 0.015)]
    [InlineData(0.5, 0.034)]
    public void PValue_HeldOutDraws_AreUniform(double alpha, double tolerance)
    {
        var random = new Random(3);
        float[] calibration = [.. Enumerable.Range(0, 4000).Select(_ => random.NextSingle())];
        float[] scores = [.. Enumerable.Range(0, 4000).Select(_ => random.NextSingle())];

        var sut = new OodCalibration("", new Dictionary<string, float[]> { ["s"] = calibration }, typicalityMean: null);
        double share = scores.Count(score => sut.PValue("s", score) <= alpha) / 4000.0;

        Assert.InRange(share, alpha - tolerance, alpha + tolerance);
    }

    private static double PValue(float[] calibration, float score) =>
        new OodCalibration("", new Dictionary<string, float[]> { ["s"] = calibration }, typicalityMean: null).PValue("s", score);
}
