namespace EbmService.Inference.Annealing;

/// <summary>Where the bridges are, and the step size of transitions at each.</summary>
/// <param name="Betas">Ascending from 0 to 1; one more than bridges.</param>
/// <param name="StepSizes">As many; 0 where the kernel has none.</param>
internal sealed record AnnealingLadder(IReadOnlyList<double> Betas, IReadOnlyList<double> StepSizes)
{
    public int Bridges => Betas.Count - 1;

    /// <summary>Inverse temperatures spread as in Salakhutdinov and Murray (2008): few up to 0.5, most above 0.9.</summary>
    /// <param name="steps">At least 29.</param>
    public static IReadOnlyList<double> Published(int steps)
    {
        int first = steps / 29, second = steps * 8 / 29, third = steps - first - second;
        return
        [
            .. Enumerable.Range(0, first).Select(i => 0.5 * i / first),
            .. Enumerable.Range(0, second).Select(i => 0.5 + 0.4 * i / second),
            .. Enumerable.Range(0, third + 1).Select(i => 0.9 + 0.1 * i / third),
        ];
    }

    /// <summary>
    /// Bridges at equal distances of the pilot's knots, whose log weights part by the same deviation each: equal steps of thermodynamic length, which costs the least
    /// variance for a number of bridges (Gelman and Meng 1998).
    /// </summary>
    /// <param name="knots">At least the two ends; a last interval shorter than the others has a length below 1.</param>
    /// <param name="bridges">How many; at least 1.</param>
    /// <param name="fixedBetas">In place of those, where given.</param>
    public static AnnealingLadder Create(IReadOnlyList<PilotKnot> knots, int bridges, IReadOnlyList<double>? fixedBetas)
    {
        double[] lengths = new double[knots.Count];
        for (int i = 1; i < lengths.Length; i++)
            lengths[i] = lengths[i - 1] + knots[i].Length;
        double[] betas = fixedBetas is not null ? [.. fixedBetas] : new double[bridges + 1];
        for (int i = 0, knot = 1; fixedBetas is null && i < betas.Length; i++)
        {
            double at = lengths[^1] * i / bridges;
            while (knot < lengths.Length - 1 && lengths[knot] < at)
                knot++;
            double share = (at - lengths[knot - 1]) / (lengths[knot] - lengths[knot - 1]);
            betas[i] = knots[knot - 1].Beta + share * (knots[knot].Beta - knots[knot - 1].Beta);
        }
        (betas[0], betas[^1]) = (0, 1);
        return new AnnealingLadder(betas, [.. betas.Select(beta => StepSizeAt(knots, beta))]);
    }

    /// <summary>Geometric between the knots.</summary>
    private static double StepSizeAt(IReadOnlyList<PilotKnot> knots, double beta)
    {
        int knot = 1;
        while (knot < knots.Count - 1 && knots[knot].Beta < beta)
            knot++;
        (PilotKnot low, PilotKnot high) = (knots[knot - 1], knots[knot]);
        if (low.StepSize <= 0 || high.StepSize <= 0)
            return high.StepSize;
        double share = Math.Clamp((beta - low.Beta) / (high.Beta - low.Beta), 0, 1);
        return low.StepSize * Math.Pow(high.StepSize / low.StepSize, share);
    }
}

/// <summary>A place on the path where the pilot was.</summary>
/// <param name="Length">Of the way from the knot before: the deviation of the log weights that its chains gathered there.</param>
/// <param name="StepSize">What it steered to there; 0 where the kernel has none.</param>
/// <param name="Acceptance">Mean acceptance probability there; 1 where nothing is rejected.</param>
internal sealed record PilotKnot(double Beta, double Length, double StepSize, double Acceptance);
