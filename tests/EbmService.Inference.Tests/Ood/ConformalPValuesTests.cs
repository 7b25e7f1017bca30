using EbmService.Inference.Ood;

namespace EbmService.Inference.Tests.Ood;

public sealed class ConformalPValuesTests
{
    // n = 4: (1 + #{<= s}) / 5.
    [Theory]
    [InlineData(0f, 0.2)]
    [InlineData(1f, 0.4)]
    [InlineData(2f, 0.8)]
    [InlineData(2.5f, 0.8)]
    [InlineData(9f, 1.0)]
    [InlineData(float.NaN, 0.2)]
    public void PValue_AgainstFourScores_CountsThoseAtOrBelow(float score, double expected) =>
        Assert.Equal(expected, ConformalPValues.PValue([1, 2, 2, 3], score), 12);

    // NaN sorts first and counts as the lowest: n = 4, of which 2.
    [Theory]
    [InlineData(-1f, 0.6)]
    [InlineData(1f, 0.8)]
    [InlineData(9f, 1.0)]
    [InlineData(float.NaN, 0.6)]
    public void PValue_CalibrationWithNaN_StaysInOrder(float score, double expected) =>
        Assert.Equal(expected, ConformalPValues.PValue([float.NaN, float.NaN, 1, 2], score), 12);

    // Exchangeable scores: P(p <= alpha) <= alpha, and p is nearly uniform. 4 000 draws: 3 standard errors of the share
    // at 0.05 are 0.0103, at 0.5 they are 0.024; the calibration set itself adds sqrt(a (1 - a) / 4000) once more.
    [Theory]
    [InlineData(0.05, 0.015)]
    [InlineData(0.5, 0.034)]
    public void PValues_HeldOutDraws_AreUniform(double alpha, double tolerance)
    {
        var random = new Random(3);
        float[] calibration = [.. Enumerable.Range(0, 4000).Select(_ => random.NextSingle()).Order()];
        float[] scores = [.. Enumerable.Range(0, 4000).Select(_ => random.NextSingle())];

        double share = ConformalPValues.PValues(calibration, scores).Count(p => p <= alpha) / 4000.0;

        Assert.InRange(share, alpha - tolerance, alpha + tolerance);
    }
}
