using EbmService.Inference.Assessment;

namespace EbmService.Inference.Tests.Assessment;

public sealed class ClassificationMetricsTests
{
    [Fact]
    public void Predictions_EqualValues_TakesTheFirst() =>
        Assert.Equal([1, 0, 2], ClassificationMetrics.Predictions([0, 1, 0, 2, 2, 1, -3, -2, -1], 3));

    [Fact]
    public void Accuracy_ThreeOfFour_IsTheShare() =>
        Assert.Equal(0.75, ClassificationMetrics.Accuracy([1, 2, 3, 4], [1, 2, 3, 0]));

    // Bins of 1/15. Two rows of confidence 0.9 (bin 14 of (13/15, 14/15]), one right: |1 - 1.8| = 0.8.
    // One row of 0.6 (bin (8/15, 9/15]), right: |1 - 0.6| = 0.4. One of 1.0 (last bin), right: 0. Sum 1.2 over 4.
    [Fact]
    public void ExpectedCalibrationError_ThreeBins_WeighsTheGaps() =>
        Assert.Equal(0.3, ClassificationMetrics.ExpectedCalibrationError(
            [0.9f, 0.1f, 0.1f, 0.9f, 0.6f, 0.4f, 0, 1], 2, [0, 0, 0, 1]), 6);

    // 0.5 is the upper end of bin (0, 0.5] with 2 bins: both rows of 0.5 and the one of 0.75 lie in different bins.
    // |1 - 0.5| + |0 - 0.5| cancel within their bin (1 hit, confidences 1): 0; the other is right: 0.25. Over 3.
    [Fact]
    public void ExpectedCalibrationError_ConfidenceOnAnEdge_BelongsToTheLowerBin() =>
        Assert.Equal(0.25 / 3, ClassificationMetrics.ExpectedCalibrationError(
            [0.5f, 0.5f, 0.5f, 0.5f, 0.75f, 0.25f], 2, [0, 1, 0], bins: 2), 12);

    // A row that holds NaN has no prediction: it is never right, and it was sure of nothing.
    [Fact]
    public void Predictions_RowWithNaN_IsOfNoClass()
    {
        float[] probabilities = [float.NaN, 0.2f, 0.1f, 0.9f];

        Assert.Equal([-1, 1], ClassificationMetrics.Predictions(probabilities, 2));
        Assert.Equal(0.5, ClassificationMetrics.Accuracy(ClassificationMetrics.Predictions(probabilities, 2), [0, 1]));
        Assert.Equal(0.1 / 2, ClassificationMetrics.ExpectedCalibrationError(probabilities, 2, [0, 1]), 6);
    }

    [Fact]
    public void All_CountsThatDontAgree_Throw()
    {
        Assert.Throws<ArgumentException>(() => ClassificationMetrics.Predictions([1, 2, 3], 2));
        Assert.Throws<ArgumentException>(() => ClassificationMetrics.Accuracy([1], [1, 2]));
        Assert.Throws<ArgumentException>(() => ClassificationMetrics.ExpectedCalibrationError([1, 0], 2, []));
    }
}
