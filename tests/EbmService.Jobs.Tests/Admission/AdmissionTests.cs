using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Admission;

public sealed class AdmissionTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();
    private readonly SemaphoreSlim _release = new(0);

    public async ValueTask InitializeAsync()
    {
        _host.Settings["Limits:MaxQueuedJobs"] = "2";
        await _host.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _release.Release(100_000);
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Submit_QueueFull_IsRefusedWithARetryTimeAndLeavesNoTrace()
    {
        await OccupySlotAsync();
        await _host.SubmitAsync(priority: -1);
        await _host.SubmitAsync(priority: -1);
        Outcome<JobSnapshot> refused = await _host.Jobs.SubmitAsync(JobsHost.Submission(), default);

        Assert.Equal(FailureCode.QueueFull, refused.Failure?.Code);
        Assert.InRange(refused.Failure!.RetryAfter!.Value.TotalSeconds, 1, 300);
        Assert.Equal((2, 1, 2), (_host.Monitor.QueuedJobs, _host.Monitor.RunningJobs, _host.Monitor.QueueCapacity));
        Assert.Equal(3, (await ListAsync(new JobFilter())).Jobs.Count);
    }

    [Fact]
    public async Task Submit_PriorityOutOfRange_IsAFieldError()
    {
        Outcome<JobSnapshot> refused = await _host.Jobs.SubmitAsync(JobsHost.Submission(priority: 11), default);

        Assert.Equal("priority", Assert.Single(refused.Failure!.Fields).Field);
    }

    [Fact]
    public async Task Submit_HigherPriority_RunsBeforeEarlierJobs()
    {
        await OccupySlotAsync();
        JobSnapshot low = await _host.SubmitAsync(JobsHost.Spec(seed: 2), priority: -1);
        JobSnapshot high = await _host.SubmitAsync(JobsHost.Spec(seed: 3), priority: 5);
        Assert.Equal(1, high.Progress.QueuePosition);
        Assert.Equal(2, (await _host.Jobs.FindAsync(low.Id, default)).OrThrow().Progress.QueuePosition);
        _release.Release(100_000);

        await _host.EndOfAsync(low.Id);
        List<string> journal = [.. _host.Workloads.Journal];
        Assert.InRange(journal.LastIndexOf("step 3/0"), 0, journal.IndexOf("open 2/0 at 0"));
    }

    [Fact]
    public async Task List_ByCursor_GivesEveryJobOnceNewestFirst()
    {
        List<string> ids = [];
        for (int i = 0; i < 7; i++)
            ids.Add((await _host.EndOfAsync((await _host.SubmitAsync(model: i % 2 == 0 ? "even" : "odd")).Id)).Id);

        List<string> seen = [];
        string? cursor = null;
        do
        {
            JobPage page = await ListAsync(new JobFilter(Limit: 3, Cursor: cursor));
            seen.AddRange(page.Jobs.Select(job => job.Id));
            cursor = page.NextCursor;
        }
        while (cursor is not null);

        Assert.Equal(ids.OrderDescending(StringComparer.Ordinal), seen);
        Assert.Equal(4, (await ListAsync(new JobFilter(Model: "even"))).Jobs.Count);
        Assert.Equal(7, (await ListAsync(new JobFilter(JobStatus.Succeeded, Type: "sampling"))).Jobs.Count);
        Assert.Empty((await ListAsync(new JobFilter(JobStatus.Failed))).Jobs);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("%%%")]
    [InlineData("AAAA")]
    public async Task List_ForeignCursor_IsInvalid(string cursor) =>
        Assert.Equal(FailureCode.InvalidRequest, (await _host.Jobs.ListAsync(new JobFilter(Cursor: cursor), default)).Failure?.Code);

    private async Task<JobPage> ListAsync(JobFilter query) => (await _host.Jobs.ListAsync(query, default)).OrThrow();

    private async Task OccupySlotAsync()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = _release });
        await _host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 10));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
    }
}
