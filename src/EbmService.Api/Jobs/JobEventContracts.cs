using EbmService.Core.Jobs;

namespace EbmService.Api.Jobs;

/// <summary>Progress with the job and the place in its event log.</summary>
public sealed record JobProgressMessage
{
    public required string JobId { get; init; }

    /// <value>Counts up per job; gaps show where progress was dropped.</value>
    public required long Sequence { get; init; }

    public required double Fraction { get; init; }

    public required int Step { get; init; }

    public required int TotalSteps { get; init; }

    public required int Chains { get; init; }

    public required double? StepsPerSecond { get; init; }

    public required double? EtaSeconds { get; init; }

    public required double? EnergyMean { get; init; }

    public required double? GradientNorm { get; init; }

    public required int Diverged { get; init; }

    /// <value>Mean acceptance probability since the warm-up; null for kernels that accept everything.</value>
    public required double? Acceptance { get; init; }

    /// <value>Transitions whose energy error was too large; null for kernels without the notion.</value>
    public required long? DivergentTransitions { get; init; }

    /// <value>The smallest E-BFMI of the chains; below 0.3 the momentum is badly matched.</value>
    public required double? Ebfmi { get; init; }

    /// <value>The largest rank-normalised split R-hat; chains agree at 1.01 and below.</value>
    public required double? RHat { get; init; }

    /// <value>The smallest bulk effective sample size, over all chains together.</value>
    public required double? EssBulk { get; init; }

    /// <value>The smallest tail effective sample size.</value>
    public required double? EssTail { get; init; }

    /// <value>Monte Carlo standard error of the mean energy.</value>
    public required double? EnergyMcse { get; init; }

    public required int? QueuePosition { get; init; }

    internal static JobProgressMessage Of(JobProgressEvent happened)
    {
        JobProgress progress = JobContractMapper.ToFinite(happened.Progress);
        return new()
        {
            JobId = happened.JobId,
            Sequence = happened.Sequence,
            Fraction = progress.Fraction,
            Step = progress.Step,
            TotalSteps = progress.TotalSteps,
            Chains = progress.Chains,
            StepsPerSecond = progress.StepsPerSecond,
            EtaSeconds = progress.EtaSeconds,
            EnergyMean = progress.EnergyMean,
            GradientNorm = progress.GradientNorm,
            Diverged = progress.Diverged,
            Acceptance = progress.Acceptance,
            DivergentTransitions = progress.DivergentTransitions,
            Ebfmi = progress.Ebfmi,
            RHat = progress.RHat,
            EssBulk = progress.EssBulk,
            EssTail = progress.EssTail,
            EnergyMcse = progress.EnergyMcse,
            QueuePosition = progress.QueuePosition,
        };
    }
}

/// <summary>A preview picture in a server-sent event; <c>png</c> is base64.</summary>
public sealed record JobPreviewMessage(string JobId, int Step, byte[] Png);
