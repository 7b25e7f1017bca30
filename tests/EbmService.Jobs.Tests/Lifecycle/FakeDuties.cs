using System.Collections.Concurrent;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>Notes what a job has done by others, and does nothing of it until a test says so.</summary>
internal sealed class FakeDuties : IJobDuties
{
    public ConcurrentQueue<JobEntry> Entries { get; } = new();

    public ConcurrentQueue<int> Judgements { get; } = new();

    public Task Record(Job job, JobEntry entry, Task before)
    {
        Entries.Enqueue(entry);
        return new TaskCompletionSource().Task;
    }

    public void Judge(Job job, int step, BlockStatistics[] series) => Judgements.Enqueue(step);

    public JobProgress Progress(Job job, int? queuePosition) => new();

    public void Changed(Job job)
    {
    }
}
