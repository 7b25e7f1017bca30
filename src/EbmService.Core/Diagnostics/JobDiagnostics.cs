using EbmService.Core.Jobs;

namespace EbmService.Core.Diagnostics;

/// <summary>
/// How well the chains of a job agree and how much they say (Vehtari
/// et al. 2021). Null statistics: too few draws to tell.
/// </summary>
public sealed record JobDiagnostics
{
    /// <value>Steps per chain that every block had done; draws after it are left out.</value>
    public required int Step { get; init; }

    /// <value>Draws per chain that the statistics are of, after the warm-up.</value>
    public required int Draws { get; init; }

    /// <value>Chains in the statistics; diverged ones are left out.</value>
    public required int Chains { get; init; }

    /// <value>
    /// Of these, chains none of whose recorded quantities ever changed: their
    /// draws say nothing, and no stop rule holds while there are any.
    /// </value>
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
/// The statistics of one recorded quantity. Chains of different classes sample different distributions and can't agree: each
/// class has statistics of its own, and the entry for all of them has the worst.
/// </summary>
/// <param name="Label">The class; null for all chains.</param>
/// <param name="McseMean">Monte Carlo standard error of the mean.</param>
public sealed record QuantityDiagnostics(
    string Name, double? Mean, double? StandardDeviation, double? McseMean, double? RHat, double? EssBulk, double? EssTail,
    int? Label = null);

/// <summary>The kept draws of one block: what R-hat and ESS are computed from. Immutable; leaves the slot's thread.</summary>
/// <param name="Interval">Steps between two draws; doubles when the room is used up, at step counts fixed by the spec alone.</param>
/// <param name="FirstStep">Steps done at the first draw.</param>
/// <param name="Draws">Draws kept, the same for every chain.</param>
/// <param name="Names">What was recorded: energy, gradientNorm, projection0, ...</param>
/// <param name="Values">(draws, names, chains) row-major; not finite where a chain was not.</param>
public sealed record ChainSeries(int Chains, int Interval, int FirstStep, int Draws, IReadOnlyList<string> Names, float[] Values);

/// <summary>A block and its draws so far.</summary>
public sealed record BlockSeries(BlockPlan Block, ChainSeries Series);

/// <summary>Computes diagnostics over a job's chains. Pure and thread-safe; called off the slots' threads.</summary>
public interface IJobDiagnostician
{
    /// <param name="job">The job.</param>
    /// <param name="blocks">The blocks that have draws; cut to what all of them have.</param>
    /// <param name="live">True for progress: fewer draws where that saves time. False where a decision or a file depends on it.</param>
    JobDiagnostics Compute(JobDefinition job, IReadOnlyList<BlockSeries> blocks, bool live);

    /// <summary>The word of the job's stop rule that these statistics satisfy; null to go on. A function of its arguments alone.</summary>
    string? Judge(JobDefinition job, JobDiagnostics diagnostics);
}
