using EbmService.Core.Jobs;

namespace EbmService.Client.Events;

internal static class JobMessages
{
    internal static JobProgressEvent ToEvent(JobProgressMessage message) => new(message.JobId, message.Sequence, new JobProgress
    {
        Fraction = message.Fraction,
        Done = message.Done,
        Total = message.Total,
        Unit = message.Unit,
        RatePerSecond = message.RatePerSecond,
        EtaSeconds = message.EtaSeconds,
        QueuePosition = message.QueuePosition,
        Metrics = message.Metrics,
    });
}
