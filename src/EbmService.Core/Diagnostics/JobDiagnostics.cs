namespace EbmService.Core.Diagnostics;

/// <summary>How well the chains of a job agree and how much they say (Vehtari et al. 2021). Null figures: too few draws to tell.</summary>
public sealed record JobDiagnostics
{
    /// <value>Steps per chain that every block had done; draws after it are left out.</value>
    public required int Step { get; init; }

    /// <value>Draws per chain that the figures stand on, after the warm-up.</value>
    public required int Draws { get; init; }

    /// <value>Chains in the figures; diverged ones are left out.</value>
    public required int Chains { get; init; }

    /// <value>Of these, chains none of whose recorded quantities ever changed: their draws say nothing, and no stop rule holds while there are any.</value>
    public int UnmovedChains { get; init; }

    /// <value>The largest rank-normalised split R-hat of all quantities; chains agree at 1.01 and below.</value>
    public double? RHat { get; init; }

    /// <value>The smallest bulk effective sample size, over all chains together.</value>
    public double? EssBulk { get; init; }

    /// <value>The smallest tail effective sample size.</value>
    public double? EssTail { get; init; }

    /// <value>One entry per quantity, and after those, where chains are drawn for different classes, one per quantity and class.</value>
    public IReadOnlyList<QuantityDiagnostics> Quantities { get; init; } = [];
}

/// <summary>
/// The figures of one recorded quantity. Chains of different classes sample different distributions and can't agree: each class has figures of
/// its own, and the entry for all of them has the worst.
/// </summary>
/// <param name="Label">The class; null for all chains.</param>
/// <param name="McseMean">Monte Carlo standard error of the mean.</param>
public sealed record QuantityDiagnostics(
    string Name, double? Mean, double? StandardDeviation, double? McseMean, double? RHat, double? EssBulk, double? EssTail,
    int? Label = null);
