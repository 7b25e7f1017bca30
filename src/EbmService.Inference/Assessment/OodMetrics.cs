namespace EbmService.Inference.Assessment;

/// <summary>How well one score tells in-distribution (ID) from out-of-distribution (OOD) data. Scores: higher = more in-distribution.</summary>
public sealed record OodMetrics
{
    /// <value>Chance that an ID input scores above an OOD input.</value>
    public required double Auroc { get; init; }

    /// <value>Average precision with ID as the positive class.</value>
    public required double AuprIn { get; init; }

    /// <value>Average precision with OOD as the positive class.</value>
    public required double AuprOut { get; init; }

    /// <value>Share of OOD accepted when (at least) 95 % of ID is accepted.</value>
    public required double FprAtIdTpr95 { get; init; }

    /// <value>Share of ID rejected when (at least) 95 % of OOD is caught.</value>
    public required double FprAtOodTpr95 { get; init; }

    /// <summary>Computes all of them.</summary>
    /// <exception cref="ArgumentException">One of the sets is empty.</exception>
    public static OodMetrics Compute(ReadOnlySpan<float> inDistribution, ReadOnlySpan<float> outOfDistribution)
    {
        float[] id = Negated(inDistribution), ood = Negated(outOfDistribution);
        return new OodMetrics
        {
            Auroc = BinaryMetrics.Auroc(inDistribution, outOfDistribution),
            AuprIn = BinaryMetrics.AveragePrecision(inDistribution, outOfDistribution),
            AuprOut = BinaryMetrics.AveragePrecision(ood, id),
            FprAtIdTpr95 = FprAtTpr95(inDistribution, outOfDistribution),
            FprAtOodTpr95 = FprAtTpr95(ood, id),
        };
    }

    /// <summary>The share of negatives at or above the highest threshold that accepts at least 95 % of the positives.</summary>
    private static double FprAtTpr95(ReadOnlySpan<float> positives, ReadOnlySpan<float> negatives)
    {
        float[] sorted = positives.ToArray();
        Array.Sort(sorted);
        // In integers: 0.95 has no exact binary form, and n * 0.95 may round across a whole number.
        long needed = (95L * sorted.Length + 99) / 100;
        float threshold = sorted[sorted.Length - (int)needed];
        int accepted = 0;
        foreach (float value in negatives)
            accepted += value.CompareTo(threshold) >= 0 ? 1 : 0;
        return (double)accepted / negatives.Length;
    }

    private static float[] Negated(ReadOnlySpan<float> values)
    {
        var negated = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
            negated[i] = -values[i];
        return negated;
    }
}
