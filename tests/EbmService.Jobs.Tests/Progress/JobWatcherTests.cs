using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Progress;

public sealed class JobWatcherTests
{
    private static JobChangedEntry Change(long sequence, JobStatus status, string id = "a") => new(id, sequence, new JobSnapshot
    {
        Id = id, Status = status, Models = JobModel.Only(new ModelReference("m", "1", "")), Spec = JobsHost.Spec(), Progress = new(), CreatedAt = default,
    });

    private static JobProgressEntry Progress(long sequence, string id = "a") => new(id, sequence, new JobProgress());

    [Fact]
    public async Task Read_ManyProgressAndPreviewEvents_KeepsTheLatestOfEachAndEveryChange()
    {
        var sut = new JobWatcher(single: true);
        sut.Offer(Change(1, JobStatus.Queued));
        sut.Offer(Progress(2));
        sut.Offer(new JobPreviewEntry("a", 3, 1, []));
        sut.Offer(Change(4, JobStatus.Running));
        sut.Offer(Progress(5));
        sut.Offer(new JobPreviewEntry("a", 6, 2, []));
        sut.Offer(Progress(7));
        sut.Offer(Change(8, JobStatus.Failed));

        Assert.Equal([1L, 4, 6, 7, 8], (await sut.ReadAsync(default).ToListAsync()).Select(entry => entry.Sequence));
    }

    [Fact]
    public async Task Read_AllJobs_CoalescesPerJob()
    {
        var sut = new JobWatcher(single: false);
        sut.Offer(Progress(1, "a"));
        sut.Offer(Progress(1, "b"));
        sut.Offer(Progress(2, "a"));
        sut.Offer(new JobPreviewEntry("a", 3, 1, []));
        sut.Complete();

        Assert.Equal([("b", 1L), ("a", 2L)], (await sut.ReadAsync(default).ToListAsync()).Select(entry => (entry.JobId, entry.Sequence)));
    }

    [Fact]
    public async Task Offer_TooManyChangesBehind_EndsTheWatchInsteadOfGrowing()
    {
        var sut = new JobWatcher(single: false);
        for (int i = 0; i < JobWatcher.MaxPendingChanges + 10; i++)
            sut.Offer(Change(i, JobStatus.Running));

        Assert.Equal(JobWatcher.MaxPendingChanges, (await sut.ReadAsync(default).ToListAsync()).Count);
    }
}
