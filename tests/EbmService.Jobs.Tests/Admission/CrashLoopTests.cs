using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Admission;

/// <summary>A job that ends its process at every attempt.</summary>
public sealed class CrashLoopTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-crash-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Start_ThreeAttemptsWithoutANewerCheckpoint_FailsThatJobAndTheOthersGoOn()
    {
        string deadly = "", neighbour = "";
        for (int life = 0; life < 3; life++)
        {
            await using JobsHost host = NewHost();
            var held = new SemaphoreSlim(0);
            Script script = host.Workloads.On(1, new Script { Permits = held });
            Script beside = host.Workloads.On(2, new Script { Permits = held });
            await host.StartAsync();
            if (life == 0)
            {
                deadly = (await host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 50))).Id;
                neighbour = (await host.SubmitAsync(JobsHost.Spec(seed: 2, steps: 50))).Id;
                Assert.True(await beside.Started.WaitAsync(JobsHost.Patience));
            }
            Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
            await JobsHost.EventuallyAsync(() => host.Jobs.FindAsync(deadly, default).Result.Value?.Status == JobStatus.Running);
            await CrashAsync(host, held);
        }
        await using JobsHost last = await NewHost().StartAsync();
        JobSnapshot failed = await last.EndOfAsync(deadly);

        Assert.Equal((JobStatus.Failed, FailureCode.ProcessLost), (failed.Status, failed.Error!.Code));
        Assert.Equal((JobStatus.Succeeded, "0:50;"), ((await last.EndOfAsync(neighbour)).Status, await last.ReadResultAsync(neighbour)));
    }

    [Fact]
    public async Task Start_EachAttemptLeavesANewerCheckpoint_GoesOnToTheEnd()
    {
        string id = "";
        for (int life = 0; life < 5; life++)
        {
            await using JobsHost host = NewHost();
            host.Settings["Worker:Slots"] = "1";
            host.Settings["Worker:CheckpointSeconds"] = "0.000001";
            var held = new SemaphoreSlim(0);
            // One quantum each, so that a checkpoint may follow every step.
            host.Workloads.On(1, new Script { Permits = held, BeforeStep = _ => host.Queries.AskAsync(JobsHost.Query(1), default) });
            await host.StartAsync();
            if (life == 0)
                id = (await host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 50))).Id;
            string folder = Path.Combine(_folder, "jobs", id, "checkpoints");
            DateTime before = Newest(folder);
            held.Release(3);
            await JobsHost.EventuallyAsync(() => Newest(folder) > before);
            await CrashAsync(host, held);
        }
        await using JobsHost last = await NewHost().StartAsync();

        Assert.Equal((JobStatus.Succeeded, "0:50;"), ((await last.EndOfAsync(id)).Status, await last.ReadResultAsync(id)));
    }

    /// <summary>Nothing reaches the disk from here on, and the next process finds that this one did not stop.</summary>
    private async Task CrashAsync(JobsHost host, SemaphoreSlim held)
    {
        host.Death.At = 0;
        await host.StopAfterAsync(() => held.Release(100));
        await File.WriteAllTextAsync(Path.Combine(_folder, "lock"), "in use");
    }

    private static DateTime Newest(string folder) => !Directory.Exists(folder) ? DateTime.MinValue
        : Directory.GetFiles(folder, "000000.?").Select(File.GetLastWriteTimeUtc).DefaultIfEmpty().Max();

    private JobsHost NewHost() => new(_folder) { Settings = { ["Worker:Slots"] = "2", ["Worker:QuantumMilliseconds"] = "1" } };
}
