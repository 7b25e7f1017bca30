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

    /// <summary>Computes all of them. A NaN score is the least in-distribution of all, in every metric.</summary>
    /// <exception cref="ArgumentException">One of the sets is empty.</exception>
    public static OodMetrics Compute(ReadOnlySpan<float> inDistribution, ReadOnlySpan<float> outOfDistribution)
    {
        float[] id = Ranked(inDistribution), ood = Ranked(outOfDistribution);
        float[] idReversed = Array.ConvertAll(id, score => -score), oodReversed = Array.ConvertAll(ood, score => -score);
        return new OodMetrics
        {
            Auroc = BinaryMetrics.Auroc(id, ood),
            AuprIn = BinaryMetrics.AveragePrecision(id, ood),
            AuprOut = BinaryMetrics.AveragePrecision(oodReversed, idReversed),
            FprAtIdTpr95 = FprAtTpr95(id, ood),
            FprAtOodTpr95 = FprAtTpr95(oodReversed, idReversed),
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

    // Turned round, NaN would stay at the low end; minus infinity goes to the other.
    private static float[] Ranked(ReadOnlySpan<float> scores) =>
        Array.ConvertAll(scores.ToArray(), score => float.IsNaN(score) ? float.NegativeInfinity : score);
}
