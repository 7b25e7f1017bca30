namespace EbmService.Inference.Diagnostics;

/// <summary>
/// Convergence of one quantity over all chains of a job; definitions of Vehtari, Gelman, Simpson, Carpenter, Bürkner (2021),
/// "Rank-normalization, folding, and localization", as in ArviZ. Null = undefined, for the reason that the condition gives.
/// Figures are finite.
/// </summary>
/// <param name="Draws">Draws of each chain.</param>
/// <param name="RHat">Rank-normalised split R-hat, the larger of bulk and folded; null for a single chain.</param>
/// <param name="EssBulk">Effective sample size of the rank-normalised split chains.</param>
/// <param name="EssTail">The smaller effective sample size of the 5 % and 95 % quantiles.</param>
/// <param name="EssMean">Effective sample size for the mean: of the split chains as they are.</param>
/// <param name="StandardDeviation">Of all draws together, with n - 1.</param>
/// <param name="McseMean">Monte Carlo standard error of <paramref name="Mean"/>.</param>
/// <param name="McseStandardDeviation">Monte Carlo standard error of <paramref name="StandardDeviation"/>.</param>
public sealed record ChainFigures(
    FiguresCondition Condition, int Draws, int Chains, double? RHat = null, double? EssBulk = null, double? EssTail = null,
    double? EssMean = null, double? Mean = null, double? StandardDeviation = null, double? McseMean = null,
    double? McseStandardDeviation = null);
