namespace EbmService.Inference.Assessment;

/// <summary>Accuracy and calibration of a classifier.</summary>
public static class ClassificationMetrics
{
    public const int DefaultBins = 15;

    /// <summary>The index of the largest value of each row; the first of equals; -1, no class, for a row that holds NaN.</summary>
    /// <param name="values">(n, classes) logits or probabilities.</param>
    public static int[] Predictions(ReadOnlySpan<float> values, int classes)
    {
        CheckRows(values.Length, classes);
        var predictions = new int[values.Length / classes];
        for (int i = 0; i < predictions.Length; i++)
        {
            ReadOnlySpan<float> row = values.Slice(i * classes, classes);
            if (HasNaN(row))
            {
                predictions[i] = -1;
                continue;
            }
            for (int c = 1; c < classes; c++)
            {
                if (row[c] > row[predictions[i]])
                    predictions[i] = c;
            }
        }
        return predictions;
    }

    /// <summary>The share of predictions that equal their label.</summary>
    /// <exception cref="ArgumentException">There are none, or the counts differ.</exception>
    public static double Accuracy(ReadOnlySpan<int> predictions, ReadOnlySpan<int> labels)
    {
        if (predictions.IsEmpty || predictions.Length != labels.Length)
            throw new ArgumentException("needs as many labels as predictions, and at least one");
        int right = 0;
        for (int i = 0; i < predictions.Length; i++)
            right += predictions[i] == labels[i] ? 1 : 0;
        return (double)right / predictions.Length;
    }

    /// <summary>
    /// Expected calibration error (Guo et al. 2017): over equal-width confidence bins (lower, upper], the mean of
    /// |accuracy - mean confidence| weighted by the bin's share.
    /// </summary>
    /// <param name="probabilities">(n, classes), rows that sum to one.</param>
    /// <exception cref="ArgumentException">There are none, or the counts don't agree.</exception>
    public static double ExpectedCalibrationError(
        ReadOnlySpan<float> probabilities, int classes, ReadOnlySpan<int> labels, int bins = DefaultBins)
    {
        int[] predictions = Predictions(probabilities, classes);
        if (predictions.Length == 0 || predictions.Length != labels.Length)
            throw new ArgumentException("needs as many labels as rows, and at least one");
        var excess = new double[bins];
        for (int i = 0; i < predictions.Length; i++)
        {
            // A row without a prediction was sure of nothing.
            double confidence = predictions[i] < 0 ? 0 : probabilities[i * classes + predictions[i]];
            int bin = Math.Clamp((int)Math.Ceiling(confidence * bins) - 1, 0, bins - 1);
            excess[bin] += (predictions[i] == labels[i] ? 1 : 0) - confidence;
        }
        // |B|/n * |sum of hits/|B| - sum of confidences/|B|| = |sum of (hit - confidence)| / n.
        return excess.Sum(Math.Abs) / predictions.Length;
    }

    private static bool HasNaN(ReadOnlySpan<float> row)
    {
        foreach (float value in row)
        {
            if (float.IsNaN(value))
                return true;
        }
        return false;
    }

    private static void CheckRows(int length, int classes)
    {
        if (classes < 1 || length % classes != 0)
            throw new ArgumentException($"{length} values are no whole number of rows of {classes}");
    }
}
