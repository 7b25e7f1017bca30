namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>
/// Intervals mean +- scale (deviation + floor), whose scale is fitted to rows of known truth (split conformal prediction with a normalised score: Lei et al. 2018), in groups by
/// deviation, so that numbers on which the samples agree don't pay for those on which they don't. A group's scale is the k-th smallest of |truth - mean| / (deviation + floor), k = ceil((n + 1) level);
/// where so few numbers can't show the level, it is infinite and the interval the whole range.
/// </summary>
/// <remarks>Numbers of one row are not independent of each other, so the level holds on average over many rows rather than by the theorem; what it comes to is measured.</remarks>
internal sealed class IntervalFit(double range)
{
    /// <summary>Groups with fewer numbers take the scale of all together.</summary>
    private const int FewestNumbers = 100;

    /// <summary>Where groups begin, as shares of the range.</summary>
    public static readonly double[] Edges = [0, 0.01, 0.05, 0.15, 0.3];

    private readonly List<float>[] _scores = [.. Edges.Select(_ => new List<float>())];

    public double Floor => range / 100;

    public int GroupOf(double deviation) => Array.FindLastIndex(Edges, edge => deviation >= edge * range);

    public void Add(float mean, float deviation, float truth) =>
        _scores[GroupOf(deviation)].Add((float)(Math.Abs((double)truth - mean) / (deviation + Floor)));

    public long CountOf(int group) => _scores[group].Count;

    /// <returns>A scale for each group.</returns>
    public double[] Fit(double level)
    {
        double all = Quantile([.. _scores.SelectMany(scores => scores)], level);
        return [.. _scores.Select(scores => scores.Count < FewestNumbers ? all : Quantile([.. scores], level))];
    }

    private static double Quantile(float[] scores, double level)
    {
        if (scores.Length == 0)
            return 0;
        Array.Sort(scores);
        int place = (int)Math.Ceiling((scores.Length + 1) * level);
        return place > scores.Length ? double.PositiveInfinity : scores[place - 1];
    }
}
