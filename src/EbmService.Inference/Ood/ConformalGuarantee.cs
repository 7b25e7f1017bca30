using MathNet.Numerics.Distributions;

namespace EbmService.Inference.Ood;

/// <summary>
/// What split-conformal p-values promise of rows that are exchangeable with those calibrated on. With n of them and k = floor(alpha (n + 1)), a row is refused with
/// probability k / (n + 1) on average over calibrations, and, without ties, with one that is distributed as Beta(k, n + 1 - k) over calibrations (Vovk 2012).
/// </summary>
/// <param name="Mean">k / (n + 1), at most alpha.</param>
/// <param name="Upper95">95 % of calibrations refuse at most this share.</param>
internal sealed record ConformalGuarantee(double Alpha, double Mean, double Upper95)
{
    public static ConformalGuarantee Of(int rows, double alpha)
    {
        int refused = (int)Math.Floor(alpha * (rows + 1) + 1e-9);
        return refused == 0
            ? new ConformalGuarantee(alpha, 0, 0)
            : new ConformalGuarantee(alpha, refused / (rows + 1.0), refused == rows + 1 ? 1 : new Beta(refused, rows + 1 - refused).InverseCumulativeDistribution(0.95));
    }

    /// <summary>At the levels that the rows can resolve.</summary>
    public static IReadOnlyList<ConformalGuarantee> All(int rows) =>
        [.. new[] { 0.1, 0.05, 0.01, 0.001 }.Where(alpha => alpha * (rows + 1) >= 1).Select(alpha => Of(rows, alpha))];
}
