using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

public sealed class JobLifecycleTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();

    public async ValueTask InitializeAsync()
    {
        _host.Settings["Worker:QuantumMilliseconds"] = "1000";
        await _host.StartAsync();
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Submit_NewJob_RunsToItsEndAndKeepsResults()
    {
        JobSnapshot queued = await _host.SubmitAsync(JobsHost.Spec(chains: 10, steps: 5));
        JobSnapshot end = await _host.EndOfAsync(queued.Id);

        Assert.Equal(JobStatus.Succeeded, end.Status);
        Assert.Equal("0:5;1:5;2:5;", await _host.ReadResultAsync(end.Id));
        Assert.Equal((1.0, 5, 5, 10), (end.Progress.Fraction, end.Step(), end.TotalSteps(), ((SamplingSpec)end.Spec).Chains));
        Assert.Equal(-5, end.Progress.Metric(SamplingJob.EnergyMean));
        Assert.True(end.CreatedAt <= end.StartedAt && end.StartedAt <= end.FinishedAt);
        Assert.Equal(0, _host.Workloads.Alive);
        Assert.False(Directory.Exists(Path.Combine(_host.Folder, "jobs", end.Id, "blocks")));
    }

    [Fact]
    public async Task Find_AfterTheEnd_GivesTheSameJobFromTheDatabase()
    {
        JobSnapshot end = await _host.EndOfAsync((await _host.SubmitAsync()).Id);
        JobSnapshot found = (await _host.Jobs.FindAsync(end.Id, default)).OrThrow();

        Assert.Equal(JobRowMapper.ToJson(end), JobRowMapper.ToJson(found));
    }

    [Fact]
    public async Task Cancel_RunningJob_StopsAtTheNextStepAndKeepsPartialResults()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = new SemaphoreSlim(2) });
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1, chains: 8, steps: 1000));
        for (int i = 0; i < 3; i++)
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));

        Task<Outcome<JobSnapshot>> cancel = _host.Jobs.CancelAsync(job.Id, default);
        Assert.Equal(JobStatus.Cancelling, (await cancel.WaitAsync(JobsHost.Patience)).OrThrow().Status);
        script.Permits!.Release(1000);
        JobSnapshot end = await _host.EndOfAsync(job.Id);

        Assert.Equal(JobStatus.Cancelled, end.Status);
        Assert.Equal("0:3;", await _host.ReadResultAsync(job.Id));
    }

    [Fact]
    public async Task Cancel_QueuedJob_EndsAtOnceWithoutRunning()
    {
        Script busy = _host.Workloads.On(1, new Script { Permits = new SemaphoreSlim(0) });
        JobSnapshot first = await _host.SubmitAsync(JobsHost.Spec(seed: 1));
        Assert.True(await busy.Started.WaitAsync(JobsHost.Patience));
        JobSnapshot second = await _host.SubmitAsync(JobsHost.Spec(seed: 2));
        Assert.Equal(1, second.Progress.QueuePosition);

        JobSnapshot cancelled = (await _host.Jobs.CancelAsync(second.Id, default)).OrThrow();

        Assert.Equal(JobStatus.Cancelled, cancelled.Status);
        Assert.Null(cancelled.StartedAt);
        busy.Permits!.Release(1000);
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync(first.Id)).Status);
        Assert.DoesNotContain("open 2/0 at 0", _host.Workloads.Journal);
    }

    [Fact]
    public async Task Cancel_EndedOrUnknownJob_IsRefused()
    {
        JobSnapshot end = await _host.EndOfAsync((await _host.SubmitAsync()).Id);

        Assert.Equal(FailureCode.InvalidTransition, (await _host.Jobs.CancelAsync(end.Id, default)).Failure?.Code);
        Assert.Equal(FailureCode.JobNotFound, (await _host.Jobs.CancelAsync(Guid.NewGuid().ToString("N"), default)).Failure?.Code);
    }

    [Fact]
    public async Task Advance_BlockThrows_FailsItsJobAndNothingElse()
    {
        _host.Workloads.On(1, new Script
        {
            BeforeStep = workload =>
            {
                if (workload is { Block.Index: 1, Step: 1 })
                    throw new FailureException(new Failure(FailureCode.Diverged, "went away"));
            },
        });
        JobSnapshot bad = await _host.SubmitAsync(JobsHost.Spec(seed: 1, chains: 12));
        JobSnapshot good = await _host.SubmitAsync(JobsHost.Spec(seed: 2));
        JobSnapshot failed = await _host.EndOfAsync(bad.Id);

        Assert.Equal((JobStatus.Failed, FailureCode.Diverged), (failed.Status, failed.Error!.Code));
        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync(good.Id)).Status);
        Assert.False(Directory.Exists(Path.Combine(_host.Folder, "jobs", bad.Id)));
        Assert.True(_host.Monitor.IsReady);
    }

    [Fact]
    public async Task Advance_UnexpectedException_IsInternalAndTellsNoDetails()
    {
        _host.Workloads.On(1, new Script { BeforeStep = _ => throw new InvalidOperationException("/secret/path") });
        JobSnapshot failed = await _host.EndOfAsync((await _host.SubmitAsync(JobsHost.Spec(seed: 1))).Id);

        Assert.Equal(FailureCode.Internal, failed.Error!.Code);
        Assert.DoesNotContain("secret", JobRowMapper.ToJson(failed));
    }

    [Fact]
    public async Task Assemble_Throws_FailsTheJob()
    {
        _host.Assembler.Throws = new InvalidOperationException();
        JobSnapshot failed = await _host.EndOfAsync((await _host.SubmitAsync()).Id);

        Assert.Equal((JobStatus.Failed, FailureCode.Internal), (failed.Status, failed.Error!.Code));
    }

    // A training run that diverged has weights worth keeping, also after a restart.
    [Fact]
    public async Task Assemble_FilesOfAFailedJob_AreKept()
    {
        string folder = Directory.CreateTempSubdirectory("ebm-failed-").FullName;
        JobSnapshot failed;
        await using (var first = new JobsHost(folder))
        {
            await first.StartAsync();
            first.Assembler.Fails = new Failure(FailureCode.Diverged, "It diverged.", "Lower the rate.");
            failed = await first.EndOfAsync((await first.SubmitAsync()).Id);

            Assert.Equal((JobStatus.Failed, FailureCode.Diverged, "Lower the rate."), (failed.Status, failed.Error!.Code, failed.Error.Remedy));
            Assert.Equal(["samples.txt"], failed.Results.Select(entry => entry.Name));
            Assert.False(Directory.Exists(Path.Combine(folder, "jobs", failed.Id, "checkpoints")));
        }
        await using (var second = new JobsHost(folder))
        {
            await second.StartAsync();
            Assert.NotEmpty(await second.ReadResultAsync(failed.Id));
        }
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Delete_EndedJob_RemovesRecordAndFiles()
    {
        JobSnapshot end = await _host.EndOfAsync((await _host.SubmitAsync()).Id);
        Assert.True((await _host.Jobs.DeleteAsync(end.Id, default)).Succeeded);

        Assert.Equal(FailureCode.JobNotFound, (await _host.Jobs.FindAsync(end.Id, default)).Failure?.Code);
        Assert.Equal(FailureCode.JobNotFound, (await _host.Jobs.OpenResultAsync(end.Id, "samples.txt", default)).Failure?.Code);
        Assert.False(Directory.Exists(Path.Combine(_host.Folder, "jobs", end.Id)));
    }

    [Fact]
    public async Task Delete_RunningJob_IsRefused()
    {
        Script script = _host.Workloads.On(1, new Script { Permits = new SemaphoreSlim(0) });
        JobSnapshot job = await _host.SubmitAsync(JobsHost.Spec(seed: 1));
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));

        Assert.Equal(FailureCode.InvalidTransition, (await _host.Jobs.DeleteAsync(job.Id, default)).Failure?.Code);
        script.Permits!.Release(1000);
        await _host.EndOfAsync(job.Id);
    }
}
