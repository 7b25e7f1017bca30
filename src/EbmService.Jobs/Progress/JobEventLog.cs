using EbmService.Core.Jobs;

namespace EbmService.Jobs.Progress;

/// <summary>One job's ordered events: all changes, the latest progress and the latest preview. Guarded by its hub.</summary>
internal sealed class JobEventLog(string jobId, int epoch)
{
    /// <summary>Room for a process's events: a later process's numbers are always greater, whatever a client saw of this one.</summary>
    private const long NumbersPerEpoch = 1_000_000_000;

    private readonly List<JobChangedEvent> _changes = [];
    private JobProgressEvent? _progress;
    private JobPreviewEvent? _preview;

    public List<JobWatcher> Watchers { get; } = [];

    public long LastSequence { get; private set; } = FirstSequence(epoch) - 1;

    public static long FirstSequence(int epoch) => epoch * NumbersPerEpoch + 1;

    public bool Ended => _changes is [.., var last] && last.Job.Status.IsTerminal();

    public JobChangedEvent? LastChange => _changes.LastOrDefault();

    public JobEvent Append(JobSnapshot job)
    {
        var entry = new JobChangedEvent(jobId, ++LastSequence, job);
        _changes.Add(entry);
        return entry;
    }

    public JobEvent Append(JobProgress progress) => _progress = new JobProgressEvent(jobId, ++LastSequence, progress);

    public JobEvent Append(PreviewFrame preview) =>
        _preview = new JobPreviewEvent(jobId, ++LastSequence, preview.Step, preview.Png);

    /// <summary>What a reader that has seen <paramref name="after"/> still needs, in order.</summary>
    public IEnumerable<JobEvent> Replay(long after) =>
        _changes.Append<JobEvent?>(_progress).Append(_preview).OfType<JobEvent>()
            .Where(entry => entry.Sequence > after).OrderBy(entry => entry.Sequence);
}
