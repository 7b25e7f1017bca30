namespace EbmService.Core.Jobs;

/// <summary>One entry of a job's ordered event log, which feeds SignalR and server-sent events.</summary>
/// <param name="JobId">The job.</param>
/// <param name="Sequence">Counts up by one per job from 1; gaps show where lossy progress was dropped.</param>
public abstract record JobEvent(string JobId, long Sequence);

/// <summary>The status changed; never dropped. The one with a terminal status is the job's last event.</summary>
public sealed record JobChangedEvent(string JobId, long Sequence, JobSnapshot Job) : JobEvent(JobId, Sequence);

/// <summary>At most five per second and job; the latest wins.</summary>
public sealed record JobProgressEvent(string JobId, long Sequence, JobProgress Progress) : JobEvent(JobId, Sequence);

/// <summary>A picture of the first block's chains; the latest wins.</summary>
/// <param name="Step">Steps done when it was drawn.</param>
/// <param name="Png">PNG bytes.</param>
public sealed record JobPreviewEvent(string JobId, long Sequence, int Step, byte[] Png) : JobEvent(JobId, Sequence);
