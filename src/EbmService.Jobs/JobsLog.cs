using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Retention;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs;

/// <summary>Every log line of this project; ids 2000 to 2999, never reused.</summary>
internal static partial class JobsLog
{
    [LoggerMessage(2000, LogLevel.Information, "Worker started: {Slots} slots on {Device}, {Jobs} unfinished jobs taken over.")]
    public static partial void WorkerStarted(this ILogger log, int slots, string device, int jobs);

    [LoggerMessage(2001, LogLevel.Information,
        "Worker stopped; the state of unfinished jobs is stored, and the next process goes on with it.")]
    public static partial void WorkerStopped(this ILogger log);

    [LoggerMessage(2002, LogLevel.Warning,
        "Worker did not stop within {Seconds} s; its threads end with the process, and the next one goes on from the last checkpoints.")]
    public static partial void WorkerStopTimedOut(this ILogger log, int seconds);

    [LoggerMessage(2003, LogLevel.Warning,
        "The process before this one ended without a stop (a crash, a kill or a power cut) while job {JobId} was in its "
        + "attempt {Attempt}; the job is queued again and goes on from its checkpoints.")]
    public static partial void JobInterrupted(this ILogger log, string jobId, int attempt);

    [LoggerMessage(2010, LogLevel.Information, "Job {JobId} queued: {Blocks} blocks, {Units} units.")]
    public static partial void JobQueued(this ILogger log, string jobId, int blocks, long units);

    [LoggerMessage(2011, LogLevel.Information, "Job {JobId} is now {Status}.")]
    public static partial void JobChanged(this ILogger log, string jobId, JobStatus status);

    [LoggerMessage(2012, LogLevel.Warning, "Job {JobId} failed with {Code}: {Reason}")]
    public static partial void JobFailed(this ILogger log, Exception? exception, string jobId, FailureCode code, string reason);

    [LoggerMessage(2013, LogLevel.Warning, "Block {Block} of job {JobId} failed while the job was being cancelled; its part is left out.")]
    public static partial void CancelledBlockFailed(this ILogger log, Exception exception, string jobId, int block);

    [LoggerMessage(2014, LogLevel.Error, "State {Status} of job {JobId} could not be stored.")]
    public static partial void JobNotStored(this ILogger log, Exception exception, string jobId, JobStatus status);

    [LoggerMessage(2015, LogLevel.Warning, "Files of job {JobId} could not be removed; the next start tries again.")]
    public static partial void FilesNotRemoved(this ILogger log, Exception exception, string jobId);

    [LoggerMessage(2016, LogLevel.Error, "Stored job {JobId} can't be read and is shown as failed; its record stays as it is.")]
    public static partial void JobUnreadable(this ILogger log, Exception exception, string jobId);

    [LoggerMessage(2017, LogLevel.Error, "Job {JobId} belongs to another process now, or is gone; its end is not recorded.")]
    public static partial void JobAbandoned(this ILogger log, string jobId);

    [LoggerMessage(2018, LogLevel.Warning, "A checkpoint of block {Block} of job {JobId} is damaged or can't be read; an older one is tried.")]
    public static partial void CheckpointDamaged(this ILogger log, Exception? exception, int block, string jobId);

    [LoggerMessage(2019, LogLevel.Warning, "The stored result of block {Block} of job {JobId} is damaged; the block is computed again.")]
    public static partial void BlockResultDamaged(this ILogger log, Exception exception, int block, string jobId);

    [LoggerMessage(2025, LogLevel.Warning, "No checkpoint of block {Block} of job {JobId} is valid; the block starts over at step 0.")]
    public static partial void CheckpointsLost(this ILogger log, int block, string jobId);

    [LoggerMessage(2020, LogLevel.Error, "Slot {Slot} lost its device; its blocks go back to the queue.")]
    public static partial void DeviceLost(this ILogger log, Exception exception, int slot);

    [LoggerMessage(2021, LogLevel.Warning, "Slot {Slot} can't reach the device; next try in {Delay}.")]
    public static partial void DeviceUnreachable(this ILogger log, Exception exception, int slot, TimeSpan delay);

    [LoggerMessage(2023, LogLevel.Critical, "Slot {Slot} met a defect of the worker itself; it starts anew.")]
    public static partial void SlotDefect(this ILogger log, Exception exception, int slot);

    [LoggerMessage(2024, LogLevel.Warning, "A workload of job {JobId} could not be disposed.")]
    public static partial void DisposeFailed(this ILogger log, Exception exception, string jobId);

    [LoggerMessage(2026, LogLevel.Error, "The stop of job {JobId} ({Reason}) could not be stored; it is tried again.")]
    public static partial void StopNotStored(this ILogger log, Exception exception, string jobId, string reason);

    [LoggerMessage(2027, LogLevel.Warning, "Diagnostics of job {JobId} could not be computed.")]
    public static partial void DiagnosticsFailed(this ILogger log, Exception exception, string jobId);

    [LoggerMessage(2028, LogLevel.Error, "Job {JobId} could not be deleted.")]
    public static partial void JobNotDeleted(this ILogger log, Exception exception, string jobId);

    [LoggerMessage(2029, LogLevel.Warning, "Job {JobId} waits for model {Model}, which is away or damaged; it fails after {Patience}.")]
    public static partial void ModelAwaited(this ILogger log, string jobId, string model, TimeSpan patience);

    [LoggerMessage(2032, LogLevel.Warning,
        "The model of cancelled job {JobId} stayed away: no files could be made of the parts that its blocks left.")]
    public static partial void PartsNotKept(this ILogger log, Exception exception, string jobId);

    [LoggerMessage(2033, LogLevel.Error, "The models could not be looked for again; those that were here before still are.")]
    public static partial void ModelsNotRead(this ILogger log, Exception exception);

    [LoggerMessage(2034, LogLevel.Information, "Job {JobId} was deleted by the retention settings ({Reason}).")]
    public static partial void JobSwept(this ILogger log, string jobId, SweepReason reason);

    [LoggerMessage(2035, LogLevel.Error, "The sweep of jobs that have ended broke off; the next one goes on.")]
    public static partial void SweepFailed(this ILogger log, Exception exception);

    [LoggerMessage(2030, LogLevel.Warning, "A batch of {Queries} queries failed; each is asked alone.")]
    public static partial void QueryBatchFailed(this ILogger log, Exception exception, int queries);

    [LoggerMessage(2031, LogLevel.Error, "A query to {Model} failed.")]
    public static partial void QueryFailed(this ILogger log, Exception exception, string model);

    [LoggerMessage(2040, LogLevel.Warning,
        "Another program holds the jobs database; what has to be written waits, and requests are answered 503 after Storage:BusySeconds.")]
    public static partial void DatabaseBusy(this ILogger log);

    [LoggerMessage(2041, LogLevel.Information, "The jobs database can be written again.")]
    public static partial void DatabaseFree(this ILogger log);

    [LoggerMessage(2050, LogLevel.Error, "The dataset {Name} could not be stored or deleted.")]
    public static partial void DatasetNotStored(this ILogger log, Exception exception, string name);

    [LoggerMessage(2051, LogLevel.Error, "The file {Name} of the datasets can't be read: its dataset isn't listed.")]
    public static partial void DatasetUnreadable(this ILogger log, Exception exception, string name);
}
