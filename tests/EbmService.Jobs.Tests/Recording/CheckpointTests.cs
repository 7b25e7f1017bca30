using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Recording;

public sealed class CheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-checkpoints-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Advance_CheckpointDue_IsWrittenWhileTheBlockGoesOn()
    {
        await using JobsHost host = NewHost();
        string id = await RunToAsync(host, step: 20);

        Assert.Contains("save 1/0", host.Workloads.Journal);
        Assert.Single(host.Workloads.Journal, line => line == "open 1/0 at 0");
        await JobsHost.EventuallyAsync(() => File.Exists(Checkpoint(id, 0)) && File.Exists(Checkpoint(id, 1)));
    }

    [Fact]
    public async Task Start_NewestCheckpointDamaged_GoesOnFromTheOtherAndBothDamaged_FromTheStart()
    {
        string id = await StopAtAsync(step: 20);
        Flip(Newest(id));
        Assert.InRange(await ResumedAtAsync(), 1, 19);

        string other = await StopAtAsync(step: 20);
        Flip(Checkpoint(other, 0));
        Flip(Checkpoint(other, 1));
        Assert.Equal(0, await ResumedAtAsync());

        async Task<int> ResumedAtAsync()
        {
            await using JobsHost host = await NewHost().StartAsync();
            foreach (JobSnapshot job in (await host.Jobs.ListAsync(new(), default)).OrThrow().Jobs)
            {
                Assert.Equal(JobStatus.Succeeded, (await host.EndOfAsync(job.Id)).Status);
                Assert.Equal("0:40;", await host.ReadResultAsync(job.Id));
            }
            string opened = host.Workloads.Journal.First(line => line.StartsWith("open 1/0 at ", StringComparison.Ordinal));
            return int.Parse(opened["open 1/0 at ".Length..], null);
        }
    }

    [Theory]
    [InlineData("checkpoints")]
    [InlineData("blocks")]
    [InlineData("results")]
    public async Task Write_DiskFull_FailsTheJobClearlyAndNothingElse(string kind)
    {
        await using JobsHost host = await NewHost().StartAsync();
        string bad = (await host.SubmitAsync(JobsHost.Spec(seed: 1, chains: 12, steps: 2000))).Id;
        host.Disk.OnChange = path =>
        {
            if (path.Contains(Path.Combine(bad, kind), StringComparison.Ordinal))
                throw FakeDisk.Full();
        };
        JobSnapshot failed = await host.EndOfAsync(bad);

        Assert.Equal((JobStatus.Failed, FailureCode.StorageFailed), (failed.Status, failed.Error!.Code));
        Assert.Contains("disk is full", failed.Error.Message, StringComparison.Ordinal);
        Assert.Contains("operator", failed.Error.Remedy, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "jobs", bad)));
        Assert.Equal(JobStatus.Succeeded, (await host.EndOfAsync((await host.SubmitAsync(JobsHost.Spec(seed: 2))).Id)).Status);
        Assert.True(host.Monitor.IsReady);
    }

    [Fact]
    public async Task Write_FolderIsAFile_FailsTheJob()
    {
        await using JobsHost host = NewHost();
        await host.StartAsync();
        var held = new SemaphoreSlim(0);
        Script script = host.Workloads.On(1, new Script { Permits = held });
        string id = (await host.SubmitAsync(JobsHost.Spec(seed: 1))).Id;
        Assert.True(await script.Started.WaitAsync(JobsHost.Patience));
        await File.WriteAllTextAsync(Path.Combine(_folder, "jobs", id), "in the way");
        held.Release(100);

        Assert.Equal(FailureCode.StorageFailed, (await host.EndOfAsync(id)).Error!.Code);
        File.Delete(Path.Combine(_folder, "jobs", id));
    }

    [Fact]
    public async Task Start_StoredResultDamaged_ThatBlockIsComputedAgain()
    {
        string id;
        await using (JobsHost first = await NewHost().StartAsync())
        {
            var held = new SemaphoreSlim(0);
            Script script = first.Workloads.On(1, new Script
            {
                BeforeStep = workload =>
                {
                    if (workload.Block.Index == 1)
                        held.Wait();
                },
            });
            id = (await first.SubmitAsync(JobsHost.Spec(seed: 1, chains: 8, steps: 4))).Id;
            await JobsHost.EventuallyAsync(() => first.Workloads.Journal.Contains("open 1/1 at 0"));
            await first.StopAfterAsync(() => held.Release(100));
        }
        Flip(Path.Combine(_folder, "jobs", id, "blocks", "finished"));
        await using JobsHost second = await NewHost().StartAsync();

        Assert.Equal(JobStatus.Succeeded, (await second.EndOfAsync(id)).Status);
        Assert.Equal("0:4;1:4;", await second.ReadResultAsync(id));
        // Its last chains are stored as well, so that no step is done again.
        Assert.DoesNotContain("step 1/0", second.Workloads.Journal);
        Assert.Contains("open 1/0 at 4", second.Workloads.Journal);
    }

    [Fact]
    public async Task Start_BetweenTheResultFilesAndTheEnd_EndsOnceWithTheSameFiles()
    {
        string id;
        await using (JobsHost first = await NewHost().StartAsync())
        {
            first.Disk.OnChange = path =>
            {
                if (path.EndsWith("samples.txt", StringComparison.Ordinal))
                    first.Death.At = 0;
            };
            id = (await first.SubmitAsync(JobsHost.Spec(seed: 1, chains: 8, steps: 4))).Id;
            await JobsHost.EventuallyAsync(() => first.Death.HasCome);
        }
        string file = Path.Combine(_folder, "jobs", id, "results", "samples.txt");
        await JobsHost.EventuallyAsync(() => File.Exists(file));
        string before = await File.ReadAllTextAsync(file);
        await using JobsHost second = await NewHost().StartAsync();
        JobSnapshot end = await second.EndOfAsync(id);

        Assert.Equal((JobStatus.Succeeded, 2, before), (end.Status, end.Attempt, await second.ReadResultAsync(id)));
        Assert.Empty(second.Workloads.Journal);
    }

    private JobsHost NewHost() => new(_folder) { Settings = { ["Worker:CheckpointSeconds"] = "0.000001", ["Worker:QuantumMilliseconds"] = "1" } };

    private async Task<string> StopAtAsync(int step)
    {
        await using JobsHost host = NewHost();
        return await RunToAsync(host, step);
    }

    /// <summary>Starts the host and brings a job of 40 steps to that step, with two checkpoints on disk.</summary>
    private async Task<string> RunToAsync(JobsHost host, int step)
    {
        await host.StartAsync();
        string id = "";
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var held = new SemaphoreSlim(0);
        host.Workloads.On(1, new Script
        {
            BeforeStep = workload =>
            {
                // One quantum each: a checkpoint may follow every step, and two have to be on disk before it goes on.
                _ = host.Queries.AskAsync(JobsHost.Query(1), default);
                if (workload.Step == step)
                {
                    reached.TrySetResult();
                    held.Wait();
                }
                else if (workload.Step > 0)
                    SpinWait.SpinUntil(() => id.Length > 0 && File.Exists(Checkpoint(id, workload.Step == 1 ? 0 : 1)), 200);
            },
        });
        id = (await host.SubmitAsync(JobsHost.Spec(seed: 1, steps: 40))).Id;
        await reached.Task.WaitAsync(JobsHost.Patience);
        host.Get<EbmService.Jobs.Slots.SlotBoard>().Stop();
        held.Release(100);
        return id;
    }

    private string Checkpoint(string id, int generation) => Path.Combine(_folder, "jobs", id, "checkpoints", $"000000.{generation}");

    private string Newest(string id) => BitConverter.ToInt32(File.ReadAllBytes(Checkpoint(id, 0)), 12) > BitConverter.ToInt32(File.ReadAllBytes(Checkpoint(id, 1)), 12)
        ? Checkpoint(id, 0) : Checkpoint(id, 1);

    private static void Flip(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
