using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>Moments at which a kill, a pause or damaged files once left a job where nothing moved it any more.</summary>
public sealed class LostStateTests : IDisposable
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-lost-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Start_VerdictStoredAndChainsAtAnEarlierBarrier_StopsAtTheVerdictsStep(int slots)
    {
        SamplingSpec spec = JobsHost.Spec(seed: 1, chains: 8, steps: 100) with { Stop = new StopRules(UntilEss: 7, CheckEvery: 3) };
        string id = await StoppedInItsFirstStepAsync(spec, slots);
        await using JobsHost second = NewHost(slots);
        await second.EditBeforeStartAsync(id, row => (row.StopReason, row.StopStep) = (SamplingJob.UntilEss, 9));
        // One quantum for each step, so that blocks may come to a barrier on the way.
        second.Workloads.On(1, new Script { BeforeStep = _ => second.Queries.AskAsync(JobsHost.Query(1), default) });
        await second.StartAsync();
        JobSnapshot end = await second.EndOfAsync(id);

        Assert.Equal((JobStatus.Succeeded, SamplingJob.UntilEss), (end.Status, end.StopReason));
        Assert.Equal("0:9;1:9;", await second.ReadResultAsync(id));
    }

    [Fact]
    public async Task Pause_LastOpenBlockFinishesWhileOthersWait_IsPausedAlsoAfterARestart()
    {
        string id;
        await using (JobsHost first = await NewHost().StartAsync())
        {
            var permits = new SemaphoreSlim(0);
            Script script = first.Workloads.On(1, new Script { Permits = permits });
            id = (await first.SubmitAsync(JobsHost.Spec(seed: 1, chains: 8, steps: 1))).Id;
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
            Task<Outcome<JobSnapshot>> pause = first.Jobs.PauseAsync(id, default);
            permits.Release(100);

            Assert.Equal(JobStatus.Paused, (await pause.WaitAsync(AtOnce)).OrThrow().Status);
            Assert.Equal(1, script.StepsDone);
        }
        await using JobsHost second = await NewHost().StartAsync();
        await second.EndOfAsync((await second.SubmitAsync(JobsHost.Spec(seed: 2))).Id);
        Assert.Equal(JobStatus.Paused, (await second.FindAsync(id)).Status);
        await second.Jobs.ResumeAsync(id, default);

        Assert.Equal(JobStatus.Succeeded, (await second.EndOfAsync(id)).Status);
        Assert.Equal("0:1;1:1;", await second.ReadResultAsync(id));
    }

    [Fact]
    public async Task Pause_PausedJobAfterARestart_IsAnsweredAtOnce()
    {
        string id = await StoppedInItsFirstStepAsync(JobsHost.Spec(seed: 1, steps: 50));
        await using JobsHost second = NewHost();
        await second.EditBeforeStartAsync(id, row => row.Status = JobStatus.Paused);
        await second.StartAsync();

        Assert.Equal(JobStatus.Paused, (await second.Jobs.PauseAsync(id, default).WaitAsync(AtOnce)).OrThrow().Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_CancellingWithAResultAndItsCheckpointsDamaged_EndsWithTheOtherBlocks(bool removed)
    {
        string id;
        await using (JobsHost first = await NewHost().StartAsync())
        {
            var held = new SemaphoreSlim(0);
            first.Workloads.On(1, new Script
            {
                BeforeStep = workload =>
                {
                    if (workload.Block.Index == 1)
                        held.Wait();
                },
            });
            id = (await first.SubmitAsync(JobsHost.Spec(seed: 1, chains: 8, steps: 4))).Id;
            await JobsHost.EventuallyAsync(() => first.Workloads.Journal.Contains("open 1/1 at 0"));
            await first.StopAfterAsync(() => held.Release(1));
        }
        Damage(Path.Combine(_folder, "jobs", id, "blocks", "finished"));
        foreach (string file in Directory.GetFiles(Path.Combine(_folder, "jobs", id, "checkpoints")).Where(path => !path.Contains("000001.", StringComparison.Ordinal)))
        {
            if (removed)
                File.Delete(file);
            else
                Damage(file);
        }
        await using JobsHost second = NewHost();
        await second.EditBeforeStartAsync(id, row => row.Status = JobStatus.Cancelling);
        await second.StartAsync();

        Assert.Equal(JobStatus.Cancelled, (await second.EndOfAsync(id)).Status);
        Assert.Equal("1:1;", await second.ReadResultAsync(id));
    }

    /// <summary>A job whose process stopped while its first block, or the first two, had done one step.</summary>
    private async Task<string> StoppedInItsFirstStepAsync(SamplingSpec spec, int slots = 1)
    {
        await using JobsHost host = await NewHost(slots).StartAsync();
        var permits = new SemaphoreSlim(0);
        Script script = host.Workloads.On(spec.Seed, new Script { Permits = permits });
        string id = (await host.SubmitAsync(spec)).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        await host.StopAfterAsync(() => permits.Release(slots));
        return id;
    }

    private JobsHost NewHost(int slots = 1) => new(_folder) { Settings = { ["Worker:Slots"] = $"{slots}", ["Worker:QuantumMilliseconds"] = "1" } };

    private static void Damage(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
