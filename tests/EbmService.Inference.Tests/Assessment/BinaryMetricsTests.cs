using EbmService.Inference.Assessment;

namespace EbmService.Inference.Tests.Assessment;

public sealed class BinaryMetricsTests
{
    // The example of scikit-learn's pages for both functions: y = [0, 0, 1, 1], s = [0.1, 0.4, 0.35, 0.8]; documented
    // results roc_auc_score 0.75 and average_precision_score 0.83.
    [Fact]
    public void Both_ScikitLearnsExample_GiveItsResults()
    {
        float[] positives = [0.35f, 0.8f], negatives = [0.1f, 0.4f];

        // Pairs won: 0.8 beats both, 0.35 beats one: 3 of 4.
        Assert.Equal(0.75, BinaryMetrics.Auroc(positives, negatives));
        // Thresholds 0.8 (P 1, R 1/2), 0.4 (no gain), 0.35 (P 2/3, R 1): 1/2 * 1 + 1/2 * 2/3.
        Assert.Equal(5.0 / 6, BinaryMetrics.AveragePrecision(positives, negatives), 12);
    }

    [Fact]
    public void Both_Ties_CountAsOneThreshold()
    {
        float[] positives = [1, 1, 0], negatives = [1, 0, -1];

        // Pairs: each 1 ties with 1 and beats 0 and -1 (2.5 each); 0 loses to 1, ties with 0, beats -1 (1.5): 6.5 of 9.
        Assert.Equal(6.5 / 9, BinaryMetrics.Auroc(positives, negatives), 12);
        // At 1: P 2/3, R 2/3. At 0: P 3/5, R 1. Sum 2/3 * 2/3 + 1/3 * 3/5.
        Assert.Equal(4.0 / 9 + 1.0 / 5, BinaryMetrics.AveragePrecision(positives, negatives), 12);
    }

    [Theory]
    [InlineData(new[] { 3f, 4f }, new[] { 1f, 2f }, 1.0, 1.0)]
    [InlineData(new[] { 5f, 5f }, new[] { 5f, 5f, 5f }, 0.5, 0.4)]
    // Reversed: both positives after both negatives: P 1/3 then 2/4, each for half the recall.
    [InlineData(new[] { 1f, 2f }, new[] { 3f, 4f }, 0.0, 5.0 / 12)]
    [InlineData(new[] { float.NaN }, new[] { float.NegativeInfinity }, 0.0, 0.5)]
    public void Both_Extremes_GiveTheLimits(float[] positives, float[] negatives, double auroc, double precision)
    {
        Assert.Equal(auroc, BinaryMetrics.Auroc(positives, negatives), 12);
        Assert.Equal(precision, BinaryMetrics.AveragePrecision(positives, negatives), 12);
    }

    [Fact]
    public void Auroc_ManyScores_EqualsTheCountOverAllPairs()
    {
        var random = new Random(5);
        float[] positives = [.. Enumerable.Range(0, 300).Select(_ => (float)random.Next(0, 40))];
        float[] negatives = [.. Enumerable.Range(0, 200).Select(_ => (float)random.Next(-10, 30))];
        double won = positives.Sum(p => negatives.Sum(n => p > n ? 1.0 : p == n ? 0.5 : 0));

        Assert.Equal(won / 60_000, BinaryMetrics.Auroc(positives, negatives), 12);
    }

    [Fact]
    public void Auroc_EmptySet_Throws() => Assert.Throws<ArgumentException>(() => BinaryMetrics.Auroc([], [1]));
}
