using EbmService.Inference.Randomness;

namespace EbmService.Inference.Assessment;

/// <summary>The 2.5 % and 97.5 % quantiles of a number over resamples.</summary>
public sealed record Interval(double Low, double High);

/// <summary>
/// The metrics of <see cref="OodMetrics"/> over resamples of both sets with replacement (Efron 1979). Scores are put in order once; a resample is counts.
/// </summary>
internal sealed class OodBootstrap
{
    private readonly int[] _inside;
    private readonly int[] _outside;
    private readonly int _groups;

    public OodBootstrap(float[] inDistribution, float[] outOfDistribution)
    {
        float[] inside = Ranked(inDistribution), outside = Ranked(outOfDistribution);
        float[] distinct = [.. inside.Concat(outside).Distinct().OrderDescending()];
        var places = distinct.Index().ToDictionary(group => group.Item, group => group.Index);
        _inside = Array.ConvertAll(inside, score => places[score]);
        _outside = Array.ConvertAll(outside, score => places[score]);
        _groups = distinct.Length;
    }

    /// <summary>Of the sets as they are.</summary>
    public OodMetrics Whole()
    {
        int[] inside = new int[_groups], outside = new int[_groups];
        foreach (int group in _inside)
            inside[group]++;
        foreach (int group in _outside)
            outside[group]++;
        return Compute(inside, outside);
    }

    public IReadOnlyDictionary<string, Interval> Intervals(int resamples, long seed)
    {
        var random = new Random(BlockSeed.OfRandom(seed));
        var all = new OodMetrics[resamples];
        for (int i = 0; i < resamples; i++)
            all[i] = Compute(Draw(_inside, random), Draw(_outside, random));
        return resamples == 0 ? new Dictionary<string, Interval>() : new Dictionary<string, Interval>
        {
            ["auroc"] = Of(all, metrics => metrics.Auroc),
            ["auprIn"] = Of(all, metrics => metrics.AuprIn),
            ["auprOut"] = Of(all, metrics => metrics.AuprOut),
            ["fprAtIdTpr95"] = Of(all, metrics => metrics.FprAtIdTpr95),
            ["fprAtOodTpr95"] = Of(all, metrics => metrics.FprAtOodTpr95),
        };
    }

    private int[] Draw(int[] places, Random random)
    {
        var counts = new int[_groups];
        for (int i = 0; i < places.Length; i++)
            counts[places[random.Next(places.Length)]]++;
        return counts;
    }

    private static Interval Of(OodMetrics[] all, Func<OodMetrics, double> member)
    {
        double[] sorted = [.. all.Select(member).Order()];
        return new Interval(At(0.025), At(0.975));

        double At(double share) => sorted[(int)Math.Round(share * (sorted.Length - 1))];
    }

    /// <param name="inside">By distinct score, highest first.</param>
    private OodMetrics Compute(int[] inside, int[] outside)
    {
        long positives = _inside.Length, negatives = _outside.Length, above = 0, right = 0, wrong = 0;
        double pairs = 0, auprIn = 0;
        double accepted = -1;
        long wantedIn = (95 * positives + 99) / 100, wantedOut = (95 * negatives + 99) / 100;
        for (int group = 0; group < _groups; group++)
        {
            pairs += inside[group] * (negatives - above - outside[group] / 2.0);
            above += outside[group];
            right += inside[group];
            wrong += outside[group];
            if (inside[group] > 0)
                auprIn += (double)inside[group] / positives * right / (right + wrong);
            if (accepted < 0 && right >= wantedIn)
                accepted = (double)wrong / negatives;
        }
        double auprOut = 0, rejected = -1;
        (right, wrong) = (0, 0);
        for (int group = _groups - 1; group >= 0; group--)
        {
            right += outside[group];
            wrong += inside[group];
            if (outside[group] > 0)
                auprOut += (double)outside[group] / negatives * right / (right + wrong);
            if (rejected < 0 && right >= wantedOut)
                rejected = (double)wrong / positives;
        }
        return new OodMetrics
        {
            Auroc = pairs / ((double)positives * negatives), AuprIn = auprIn, AuprOut = auprOut, FprAtIdTpr95 = accepted, FprAtOodTpr95 = rejected,
        };
    }

    private static float[] Ranked(float[] scores) => Array.ConvertAll(scores, score => float.IsNaN(score) ? float.NegativeInfinity : score);
}
