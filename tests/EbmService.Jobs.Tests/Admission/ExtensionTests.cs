using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Admission;

public sealed class ExtensionTests : IAsyncLifetime
{
    private readonly JobsHost _host = new();

    public async ValueTask InitializeAsync() => await _host.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Extend_SucceededJob_IsANewJobThatGoesOnFromItsChains()
    {
        JobSubmission submission = JobsHost.Submission(JobsHost.Spec(seed: 1, chains: 8, steps: 3), priority: 2) with { Tenant = "acme", Warnings = ["odd"] };
        JobSnapshot parent = await _host.EndOfAsync((await _host.Jobs.SubmitAsync(submission, default)).OrThrow().Id);
        JobSnapshot child = (await _host.Jobs.ExtendAsync(parent.Id, 4, default)).OrThrow();
        Assert.Equal((0, 7), (((SamplingSpec)child.Spec).Chains - 8, child.TotalSteps()));
        JobSnapshot end = await _host.EndOfAsync(child.Id);

        Assert.Equal(["odd"], parent.Warnings);
        Assert.Equal((JobStatus.Succeeded, parent.Id, 2, "acme"), (end.Status, end.Extends, end.Priority, end.Tenant));
        Assert.Equal((7, "t", parent.Model), (((SamplingSpec)end.Spec).Steps, Assert.Single(end.Tags), end.Model));
        Assert.Equal("0:7;1:7;", await _host.ReadResultAsync(child.Id));
        Assert.Equal("0:3;1:3;", await _host.ReadResultAsync(parent.Id));
        Assert.Equal((7, 1), (_host.Workloads.Journal.Count(line => line == "step 1/0"), _host.Workloads.Journal.Count(line => line == "open 1/1 at 3")));
        Assert.Equal(JobStatus.Succeeded, (await _host.FindAsync(parent.Id)).Status);
    }

    [Fact]
    public async Task Extend_AnExtension_AfterItsParentWasDeleted()
    {
        string parent = await RunAsync(JobsHost.Spec(seed: 1));
        string child = (await _host.Jobs.ExtendAsync(parent, 1, default)).OrThrow().Id;
        await _host.EndOfAsync(child);
        Assert.True((await _host.Jobs.DeleteAsync(parent, default)).Succeeded);
        string grandchild = (await _host.Jobs.ExtendAsync(child, 1, default)).OrThrow().Id;
        await _host.EndOfAsync(grandchild);

        Assert.Equal("0:5;", await _host.ReadResultAsync(grandchild));
        Assert.Equal(5, _host.Workloads.Journal.Count(line => line == "step 1/0"));
    }

    [Fact]
    public async Task Extend_JobEndedByARule_GoesOnForExactlySoManySteps()
    {
        SamplingSpec spec = JobsHost.Spec(seed: 1, chains: 8, steps: 100) with { Stop = new StopRules(UntilEss: 5, CheckEvery: 3) };
        string parent = await RunAsync(spec);
        Assert.Equal("0:6;1:6;", await _host.ReadResultAsync(parent));
        JobSnapshot child = await _host.EndOfAsync((await _host.Jobs.ExtendAsync(parent, 100, default)).OrThrow().Id);
        JobSnapshot atOnce = await _host.EndOfAsync((await _host.SubmitAsync((SamplingSpec)child.Spec)).Id);

        var shown = (SamplingSpec)child.Spec;
        Assert.Equal((StopReason.Completed, 106, 106, 100, (StopRules?)null), (child.StopReason, child.TotalSteps(), shown.Steps, shown.ScheduleSteps, shown.Stop));
        Assert.Equal("0:106;1:106;", await _host.ReadResultAsync(child.Id));
        Assert.Equal((child.StopReason, await _host.ReadResultAsync(child.Id)), (atOnce.StopReason, await _host.ReadResultAsync(atOnce.Id)));
        // One more step of an extension of it.
        JobSnapshot next = await _host.EndOfAsync((await _host.Jobs.ExtendAsync(child.Id, 1, default)).OrThrow().Id);
        Assert.Equal("0:107;1:107;", await _host.ReadResultAsync(next.Id));
    }

    [Fact]
    public async Task Extend_JobEndedByARuleWithADeadline_KeepsTheDeadlineAlone()
    {
        SamplingSpec spec = JobsHost.Spec(seed: 1, steps: 100) with { Stop = new StopRules(UntilEss: 5, CheckEvery: 3, DeadlineSeconds: 3600) };
        JobSnapshot child = (await _host.Jobs.ExtendAsync(await RunAsync(spec), 1, default)).OrThrow();

        Assert.Equal(new StopRules(DeadlineSeconds: 3600), ((SamplingSpec)child.Spec).Stop);
    }

    [Fact]
    public async Task Extend_AtABarrier_JudgesAsOneJobWithAllStepsWould()
    {
        SamplingSpec spec = JobsHost.Spec(seed: 1, chains: 8, steps: 6) with { Stop = new StopRules(UntilEss: 6, CheckEvery: 3) };
        string parent = await RunAsync(spec);
        Assert.Equal(StopReason.Completed, (await _host.FindAsync(parent)).StopReason);
        string child = (await _host.Jobs.ExtendAsync(parent, 6, default)).OrThrow().Id;
        string whole = (await _host.SubmitAsync(spec with { Steps = 12 })).Id;

        Assert.Equal((await _host.EndOfAsync(whole)).StopReason, (await _host.EndOfAsync(child)).StopReason);
        Assert.Equal(await _host.ReadResultAsync(whole), await _host.ReadResultAsync(child));
    }

    [Fact]
    public async Task Extend_LastStepsCheckpointDamaged_IsRefused()
    {
        string id = await RunAsync(JobsHost.Spec(seed: 1));
        string file = Directory.GetFiles(Path.Combine(_host.Folder, "jobs", id, "checkpoints"))[0];
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);

        await RefusedAsync(id, 1, FailureCode.InvalidTransition);
        File.Delete(file);
        await RefusedAsync(id, 1, FailureCode.InvalidTransition);
        Assert.Single(Directory.GetDirectories(Path.Combine(_host.Folder, "jobs")));
    }

    [Fact]
    public async Task Extend_CheckpointsThatAreBackAfterARefusal_Works()
    {
        string id = await RunAsync(JobsHost.Spec(seed: 1));
        string file = Directory.GetFiles(Path.Combine(_host.Folder, "jobs", id, "checkpoints"))[0];
        File.Move(file, file + ".away");
        await RefusedAsync(id, 1, FailureCode.InvalidTransition);
        File.Move(file + ".away", file);

        Assert.Equal(JobStatus.Succeeded, (await _host.EndOfAsync((await _host.Jobs.ExtendAsync(id, 1, default)).OrThrow().Id)).Status);
    }

    [Fact]
    public async Task Extend_WhatCannotBe_IsRefusedAndLeavesNoTrace()
    {
        string ended = await RunAsync(JobsHost.Spec(seed: 1));
        await RefusedAsync(ended, 0, FailureCode.InvalidRequest);
        await RefusedAsync(ended, -1, FailureCode.InvalidRequest);
        await RefusedAsync(ended, int.MaxValue, FailureCode.InvalidRequest);
        await RefusedAsync(Guid.NewGuid().ToString("N"), 1, FailureCode.JobNotFound);

        var held = new SemaphoreSlim(0);
        Script script = _host.Workloads.On(2, new Script { Permits = held });
        string running = (await _host.SubmitAsync(JobsHost.Spec(seed: 2, steps: 50))).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        await RefusedAsync(running, 1, FailureCode.InvalidTransition);
        Task<Outcome<JobSnapshot>> cancel = _host.Jobs.CancelAsync(running, default);
        held.Release(100);
        await cancel;
        await _host.EndOfAsync(running);
        await RefusedAsync(running, 1, FailureCode.InvalidTransition);
        Assert.False(Directory.Exists(Path.Combine(_host.Folder, "jobs", running, "checkpoints")));
        Assert.Equal(2, (await _host.Jobs.ListAsync(new(), default)).OrThrow().Jobs.Count);
    }

    [Fact]
    public async Task Extend_DiskFull_IsRefusedAndLeavesNoTrace()
    {
        string id = await RunAsync(JobsHost.Spec(seed: 1));
        _host.Disk.OnChange = _ => throw FakeDisk.Full();
        await RefusedAsync(id, 1, FailureCode.StorageFailed);

        Assert.Single(Directory.GetDirectories(Path.Combine(_host.Folder, "jobs")));
    }

    private async Task<string> RunAsync(SamplingSpec spec) => (await _host.EndOfAsync((await _host.SubmitAsync(spec)).Id)).Id;

    private async Task RefusedAsync(string id, int steps, FailureCode code)
    {
        Failure? failure = (await _host.Jobs.ExtendAsync(id, steps, default)).Failure;
        Assert.Equal(code, failure?.Code);
        Assert.True(failure!.Remedy is not null || code is FailureCode.JobNotFound or FailureCode.InvalidRequest);
    }
}
