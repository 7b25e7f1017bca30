namespace EbmService.Inference.Diagnostics;

/// <summary>What <see cref="EbfmiAccumulator"/> knows, for a checkpoint; one entry per chain in every array.</summary>
/// <param name="Counts">Energies seen.</param>
/// <param name="SquaredDeviations">Sum of squared deviations from the mean.</param>
/// <param name="SquaredChanges">Sum of squared changes from one energy to the next.</param>
/// <param name="Last">The newest energies.</param>
public sealed record EbfmiState(long[] Counts, double[] Means, double[] SquaredDeviations, double[] SquaredChanges, double[] Last);
