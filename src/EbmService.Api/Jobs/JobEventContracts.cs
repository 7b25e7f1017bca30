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
            QueuePosition = progress.QueuePosition,
        };
    }
}

/// <summary>A preview picture in a server-sent event; <c>png</c> is base64.</summary>
public sealed record JobPreviewMessage(string JobId, int Step, byte[] Png);
