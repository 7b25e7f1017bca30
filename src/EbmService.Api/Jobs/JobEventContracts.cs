using EbmService.Core.Jobs;

namespace EbmService.Api.Jobs;

/// <summary>A job's progress, as the job shows it, with the job and the place in its event log.</summary>
public sealed record JobProgressMessage
{
    public required string JobId { get; init; }

    /// <value>Counts up per job; gaps show where progress was dropped.</value>
    public required long Sequence { get; init; }

    public required double Fraction { get; init; }

    public required long Done { get; init; }

    public required long Total { get; init; }

    public required string Unit { get; init; }

    public required double? RatePerSecond { get; init; }

    public required double? EtaSeconds { get; init; }

    public required int? QueuePosition { get; init; }

    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    internal static JobProgressMessage Of(JobProgressEvent happened)
    {
        JobProgress progress = JobContractMapper.ToFinite(happened.Progress);
        return new()
        {
            JobId = happened.JobId,
            Sequence = happened.Sequence,
            Fraction = progress.Fraction,
            Done = progress.Done,
            Total = progress.Total,
            Unit = progress.Unit,
            RatePerSecond = progress.RatePerSecond,
            EtaSeconds = progress.EtaSeconds,
            QueuePosition = progress.QueuePosition,
            Metrics = progress.Metrics,
        };
    }
}

/// <summary>A preview picture in a server-sent event; <c>png</c> is base64.</summary>
public sealed record JobPreviewMessage(string JobId, int Step, byte[] Png);
