using System.Text.Json.Serialization;
using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.JobTypes.Likelihood;

/// <summary>The file likelihood.json. Numbers are in nats where nothing else is said; null is what could not be estimated, or may not be quoted.</summary>
/// <param name="Trusted">Whether single figures are quoted: the bounds are no further apart than was asked for.</param>
/// <param name="Reasons">Why not, in sentences; empty where they are.</param>
/// <param name="Notes">What the figures rest on.</param>
internal sealed record LikelihoodReport(
    bool Trusted, IReadOnlyList<string> Reasons, double Temperature, string Density, string Base, LogZReport LogZ, RowsReport? LogLikelihood, RaiseReport? Raise,
    LadderReport Ladder, IReadOnlyList<string> Notes);

/// <param name="Estimate">By Bennett's acceptance ratio from both sides; null unless trusted.</param>
/// <param name="Lower">A confidence bound from the forward chains.</param>
/// <param name="Upper">A confidence bound from the reverse chains.</param>
/// <param name="Gap">Upper less lower.</param>
/// <param name="Exact">From the list of all states, where that was made.</param>
internal sealed record LogZReport(
    double? Estimate, double? Lower, double? Upper, double? Gap, double Tolerance, double Confidence, SideReport? Forward, SideReport? Reverse,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Exact);

/// <summary>One direction.</summary>
/// <param name="LogZ">log of the mean weight: on average too low forwards, too high in reverse.</param>
/// <param name="StandardError">Of that, to first order.</param>
/// <param name="EffectiveSize">(sum w)^2 / sum w^2: chains that carry the estimate.</param>
/// <param name="Deviation">Of the log weights.</param>
/// <param name="StartCondition">Whether R-hat could be taken; null forwards and with exact starts.</param>
/// <param name="StartRHat">Of reverse chains on their way to be samples: split R-hat of log f_1 / f_0; null with exact starts.</param>
/// <param name="Frozen">Chains that left the finite numbers.</param>
internal sealed record SideReport(int Chains, double LogZ, double StandardError, double EffectiveSize, double? Deviation, long Frozen, double? Acceptance,
    StatisticsCondition? StartCondition, double? StartRHat);

/// <summary>Mean log-likelihood of the rows.</summary>
/// <param name="Estimate">Null unless trusted.</param>
/// <param name="Lower">From the upper bound on log Z.</param>
/// <param name="Upper">From the lower bound.</param>
/// <param name="StandardErrorOfRows">Of the mean over such rows: the deviation over the root of their number. Bounds are about log Z alone.</param>
/// <param name="Outside">Rows of density 0, which are left out of the means.</param>
internal sealed record RowsReport(
    int Rows, long Scored, long Outside, double? MeanLogDensity, double? Estimate, double? Lower, double? Upper, double? StandardErrorOfRows,
    BitsReport BitsPerDimension, string Dequantisation);

/// <summary>-log2 of the likelihood per number of an input: the lower the better.</summary>
internal sealed record BitsReport(double? Estimate, double? Lower, double? Upper);

/// <summary>Mean over rows of the log of an estimate that is unbiased for the likelihood under the annealing process with these bridges, so low on average.</summary>
/// <param name="Difference">From the mean over the same rows by the upper bound on log Z: near 0 or below where the process comes close to the model.</param>
internal sealed record RaiseReport(int Rows, int Chains, double? Mean, double? StandardErrorOfRows, double? BitsPerDimension, double? Difference);

/// <param name="Knots">Places that the pilot went through; 0 without one.</param>
/// <param name="Length">Of the path, in deviations of log weights: with fewer bridges than this squared, weights part widely.</param>
internal sealed record LadderReport(int Bridges, int Transitions, string Kernel, int Knots, double? Length, double? LeastAcceptance, double? StepSizeAtModel);
