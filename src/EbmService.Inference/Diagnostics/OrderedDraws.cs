namespace EbmService.Inference.Diagnostics;

/// <summary>One quantity's draws in ascending order: quantiles of all, and ranks of the split chains as they are and folded.</summary>
internal sealed class OrderedDraws
{
    private readonly double[] _sorted;
    private readonly int[] _order;
    private readonly SplitShape _shape;
    private double[]? _split;
    private int[]? _places;

    public OrderedDraws(ReadOnlySpan<double> values, SplitShape shape)
    {
        _shape = shape;
        (_sorted, _order) = RadixOrder.Of(values);
    }

    /// <summary>Linear between the neighbours, type 7 of Hyndman and Fan, numpy's and R's default; exact where these are equal.</summary>
    public double Quantile(double probability)
    {
        double index = (_sorted.Length - 1) * probability;
        int below = (int)Math.Floor(index);
        double share = index - below, low = _sorted[below], high = _sorted[Math.Min(below + 1, _sorted.Length - 1)];
        return share < 0.5 ? low + (high - low) * share : high - (high - low) * (1 - share);
    }

    /// <summary>Normal scores of the ranks of the split chains' draws.</summary>
    public void Score(NormalScores scores, Span<double> result)
    {
        (double[] sorted, int[] places) = SplitOrder();
        scores.Assign(sorted, places, result);
    }

    /// <summary>Normal scores of the ranks of |x - median|, the median that of the split chains' draws.</summary>
    public void ScoreFolded(NormalScores scores, Span<double> result)
    {
        (double[] sorted, int[] places) = SplitOrder();
        (double[] distances, int[] distancePlaces) = Fold(sorted, places);
        scores.Assign(distances, distancePlaces, result);
    }

    // Distances grow away from the median on both sides, so that two sorted runs are merged and nothing is sorted again.
    private static (double[] Distances, int[] Places) Fold(double[] sorted, int[] places)
    {
        var distances = new double[sorted.Length];
        var distancePlaces = new int[sorted.Length];
        int left = sorted.Length / 2 - 1, right = sorted.Length / 2;
        double median = (sorted[left] + sorted[right]) / 2;
        for (int i = 0; i < sorted.Length; i++)
        {
            bool takeLeft = right == sorted.Length || (left >= 0 && median - sorted[left] <= sorted[right] - median);
            int next = takeLeft ? left-- : right++;
            distances[i] = Math.Abs(sorted[next] - median);
            distancePlaces[i] = places[next];
        }
        return (distances, distancePlaces);
    }

    private (double[] Sorted, int[] Places) SplitOrder()
    {
        if (_split is not null && _places is not null)
            return (_split, _places);
        _split = new double[_shape.Count];
        _places = new int[_shape.Count];
        int next = 0;
        for (int i = 0; i < _sorted.Length; i++)
        {
            int place = _shape.PlaceOf(_order[i]);
            if (place < 0)
                continue;
            (_split[next], _places[next]) = (_sorted[i], place);
            next++;
        }
        return (_split, _places);
    }
}
