using EbmService.Core.Jobs;

namespace EbmService.Client;

/// <summary>What happened to a job.</summary>
/// <param name="Sequence">
/// Counts up per job; gaps show where progress was dropped. Null where the transport does not tell it: SignalR's changes and previews, and
/// all jobs' changes.
/// </param>
public abstract record JobEvent(string JobId, long? Sequence);

/// <summary>The status changed. After a lost connection the current state comes again. The one with a terminal status is a job's last
/// event.</summary>
public sealed record JobChangedEvent(JobResponse Job, long? Sequence) : JobEvent(Job.Id, Sequence);

/// <summary>At most five per second and job; where the reader is slower the latest wins.</summary>
public sealed record JobProgressEvent(string JobId, long? Sequence, JobProgress Progress) : JobEvent(JobId, Sequence);

/// <summary>A picture of the first block; where the reader is slower the latest wins.</summary>
/// <param name="Step">Steps done when it was drawn.</param>
/// <param name="Png">PNG bytes.</param>
public sealed record JobPreviewEvent(string JobId, long? Sequence, int Step, byte[] Png) : JobEvent(JobId, Sequence);
