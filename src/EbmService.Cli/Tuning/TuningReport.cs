using EbmService.Core.Sampling;

namespace EbmService.Cli.Tuning;

/// <summary>Speed by block size and slots on one device.</summary>
internal sealed record TuningReport(string DeviceKind, SamplingPrecision Precision, IReadOnlyList<TuningPoint> Points)
{
    /// <summary>Medians this close together are the same on a machine that does other things too.</summary>
    public const double Tolerance = 0.03;

    /// <value>
    /// The smallest block, then the fewest slots, among the points as fast as the fastest within <see cref="Tolerance"/>: small blocks
    /// spread a job over more slots and yield sooner.
    /// </value>
    public TuningPoint Best
    {
        get
        {
            double fastest = Points.Max(point => point.Median);
            return Points.Where(point => point.Median >= (1 - Tolerance) * fastest).OrderBy(point => point.BlockSize).ThenBy(point => point.Slots).First();
        }
    }
}

/// <summary>One combination.</summary>
/// <param name="Rates">Chain-steps per second of all slots together, round by round.</param>
internal sealed record TuningPoint(int BlockSize, int Slots, IReadOnlyList<double> Rates)
{
    public double Median
    {
        get
        {
            double[] sorted = [.. Rates.Order()];
            return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        }
    }
}
