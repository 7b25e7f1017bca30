namespace EbmService.Inference.Diagnostics;

/// <summary>
/// Convergence of one quantity over all chains of a job; definitions of Vehtari, Gelman, Simpson, Carpenter, Bürkner (2021),
/// "Rank-normalization, folding, and localization", as in ArviZ. Null = undefined, for the reason that the condition gives.
/// Statistics are finite.
/// </summary>
/// <param name="Draws">Draws of each chain.</param>
/// <param name="RHat">Rank-normalised split R-hat, the larger of bulk and folded; null for a single chain.</param>
/// <param name="EssBulk">Effective sample size of the rank-normalised split chains.</param>
/// <param name="EssTail">The smaller effective sample size of the 5 % and 95 % quantiles.</param>
/// <param name="EssMean">Effective sample size for the mean: of the split chains as they are.</param>
/// <param name="StandardDeviation">Of all draws together, with n - 1.</param>
/// <param name="McseMean">Monte Carlo standard error of <paramref name="Mean"/>.</param>
/// <param name="McseStandardDeviation">Monte Carlo standard error of <paramref name="StandardDeviation"/>.</param>
public sealed record ChainStatistics(
    StatisticsCondition Condition, int Draws, int Chains, double? RHat = null, double? EssBulk = null, double? EssTail = null,
    double? EssMean = null, double? Mean = null, double? StandardDeviation = null, double? McseMean = null,
    double? McseStandardDeviation = null);

/// <summary>What could be said about a quantity's draws, and why not more.</summary>
public enum StatisticsCondition
{
    /// <summary>All statistics are defined (R-hat from two chains on).</summary>
    Measured,

    /// <summary>Fewer than 4 draws: nothing but mean and standard deviation.</summary>
    TooFewDraws,

    /// <summary>A draw is NaN or infinite: no statistic at all.</summary>
    NotFinite,

    /// <summary>
    /// Every draw of every chain is the same: nothing can be said of convergence. (ArviZ calls the effective size of such draws
    /// their number; posterior gives none, and so do we.)
    /// </summary>
    Constant,

    /// <summary>No chain moves within either half of its draws, but chains or halves differ: R-hat is infinite, and there is no effective size. Both are null.</summary>
    Stuck,
}
