using EbmService.Inference.Assessment;

namespace EbmService.Inference.Tests.Assessment;

public sealed class OodMetricsTests
{
    // ID scores 1..20: 95 % is 19 of 20, so the threshold is 2 and OOD at or above 2 is accepted.
    // OOD scores: 95 % of 4 is 3.8, so all 4 must be caught; the threshold is 10.5 and ID at or below it is rejected: 1..10.
    [Fact]
    public void Compute_SmallSets_GivesBothFprs()
    {
        float[] id = [.. Enumerable.Range(1, 20).Select(i => (float)i)];
        float[] ood = [0, 1.5f, 2, 10.5f];

        OodMetrics sut = OodMetrics.Compute(id, ood);

        Assert.Equal(2.0 / 4, sut.FprAtIdTpr95);
        Assert.Equal(10.0 / 20, sut.FprAtOodTpr95);
        // Pairs won: 0 loses to all 20; 1.5 to 19; 2 to 18 and ties once; 10.5 to 10: 67.5 of 80.
        Assert.Equal(67.5 / 80, sut.Auroc, 12);
    }

    // Every one of n = 100 and n = 1000 sits on the boundary where 0.95 n is whole: exactly 5 % of ID may be lost.
    [Theory]
    [InlineData(100)]
    [InlineData(1000)]
    [InlineData(20)]
    public void Compute_NinetyFivePercentIsWhole_LosesExactlyFivePercent(int n)
    {
        float[] id = [.. Enumerable.Range(0, n).Select(i => (float)i)];
        int threshold = n / 20;

        Assert.Equal(0, OodMetrics.Compute(id, [threshold - 1]).FprAtIdTpr95);
        Assert.Equal(1, OodMetrics.Compute(id, [threshold]).FprAtIdTpr95);
    }

    // ID [3, 2], OOD [1, 2]. With ID positive: at 3 P 1 (R 1/2), at 2 P 2/3 (R 1): 1/2 + 1/3.
    // With OOD positive on negated scores: at -1 P 1 (R 1/2), at -2 P 2/3: the same by symmetry.
    [Fact]
    public void Compute_OneTie_GivesBothAuprs()
    {
        OodMetrics sut = OodMetrics.Compute([3, 2], [1, 2]);

        Assert.Equal(5.0 / 6, sut.AuprIn, 12);
        Assert.Equal(5.0 / 6, sut.AuprOut, 12);
    }

    // Turned round for "OOD positive", NaN must go from the lowest place to the highest.
    [Theory]
    [InlineData(new[] { 3f, 2, float.NaN }, new[] { 1f, 2 })]
    [InlineData(new[] { 3f, 2 }, new[] { 1f, 2, float.NaN, float.NaN })]
    [InlineData(new[] { float.NaN, 2 }, new[] { float.NaN, 4 })]
    public void Compute_NaNScores_AreTheLeastInDistributionInEveryMetric(float[] id, float[] ood)
    {
        static float[] Lowest(float[] scores) => Array.ConvertAll(scores, score => float.IsNaN(score) ? -1000 : score);

        Assert.Equal(OodMetrics.Compute(Lowest(id), Lowest(ood)), OodMetrics.Compute(id, ood));
    }

    [Fact]
    public void Compute_Separated_IsPerfect()
    {
        OodMetrics sut = OodMetrics.Compute([5, 6, 7], [1, 2]);

        Assert.Equal(
            new OodMetrics { Auroc = 1, AuprIn = 1, AuprOut = 1, FprAtIdTpr95 = 0, FprAtOodTpr95 = 0 }, sut);
    }
}
