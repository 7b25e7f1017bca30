using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Tests.Fakes;
using Microsoft.EntityFrameworkCore;

namespace EbmService.Jobs.Tests.Admission;

/// <summary>
/// A process may die between any two changes of what outlives it. Whenever it does: no job is lost, no block is completed twice, every
/// result is that of an undisturbed run.
/// </summary>
public sealed class DeathTests : IDisposable
{
    private const int Deaths = 6;

    private readonly string _folder = Directory.CreateTempSubdirectory("ebm-death-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Process_DiesAtRandomMoments_EveryJobEndsAsIfItHadNot(int seed)
    {
        var random = new Random(seed);
        Dictionary<string, Expectation> expected = [];
        HashSet<string> done = [];
        for (int life = 0; life <= Deaths; life++)
        {
            await using (JobsHost host = await NewHost(slots: random.Next(1, 4)).StartAsync())
            {
                if (life == 0)
                    await SubmitAllAsync(host, expected);
                if (life < Deaths)
                    await LiveUntilDeathAsync(host, random, expected.Keys);
                else
                    await EndAllAsync(host, expected);
                await host.StopAsync();
                Assert.DoesNotContain(host.Workloads.Journal, line => done.Contains(BlockOf(line)));
            }
            done = await DoneBlocksAsync(expected);
        }
        Assert.Equal(7, done.Count);
    }

    private async Task SubmitAllAsync(JobsHost host, Dictionary<string, Expectation> expected)
    {
        await ExpectAsync(JobsHost.Spec(seed: 1, chains: 12, steps: 40), StopReason.Completed, at: 40);
        await ExpectAsync(JobsHost.Spec(seed: 2, chains: 4, steps: 25), StopReason.Completed, at: 25);
        await ExpectAsync(
            JobsHost.Spec(seed: 3, chains: 12, steps: 60) with { Stop = new StopRules(UntilEss: 15, CheckEvery: 4) }, SamplingJob.UntilEss, at: 16);

        async Task ExpectAsync(SamplingSpec spec, string reason, int at) =>
            expected[(await host.SubmitAsync(spec)).Id] = new Expectation(spec, reason, at);
    }

    private static async Task LiveUntilDeathAsync(JobsHost host, Random random, IEnumerable<string> ids)
    {
        host.Death.At = host.Death.Changes + random.Next(1, 25);
        await JobsHost.EventuallyAsync(() => host.Death.HasCome || ids.All(id => Live(host, id) is null));
        host.Death.At = 0;
    }

    private static EbmService.Jobs.Lifecycle.Job? Live(JobsHost host, string id) => host.Get<EbmService.Jobs.Lifecycle.LiveJobs>().Find(id);

    private static async Task EndAllAsync(JobsHost host, Dictionary<string, Expectation> expected)
    {
        int attempts = 0;
        foreach ((string id, Expectation job) in expected)
        {
            JobSnapshot end = await host.EndOfAsync(id);
            attempts += end.Attempt;
            Assert.Equal((JobStatus.Succeeded, job.Reason), (end.Status, end.StopReason));
            Assert.Equal(
                string.Concat(Enumerable.Range(0, job.Spec.Chains / 4).Select(index => $"{index}:{job.At};")), await host.ReadResultAsync(id));
            Assert.False(Directory.Exists(Path.Combine(host.Folder, "jobs", id, "blocks")));
        }
        Assert.True(attempts > expected.Count, "no death met a job at work");
    }

    /// <summary>Seed and index of every block whose result is recorded.</summary>
    private async Task<HashSet<string>> DoneBlocksAsync(Dictionary<string, Expectation> expected)
    {
        await using var context = new JobsDbContext(
            new DbContextOptionsBuilder<JobsDbContext>().UseSqlite($"Data Source={Path.Combine(_folder, "jobs.db")};Pooling=False").Options);
        return [.. (await context.Blocks.AsNoTracking().Where(block => block.State == BlockRowState.Done).ToListAsync())
            .Select(block => $"{expected[block.JobId].Spec.Seed}/{block.Index}")];
    }

    private static string BlockOf(string line) => line.Split(' ')[1];

    private JobsHost NewHost(int slots) => new(_folder)
    {
        Settings = { ["Worker:Slots"] = $"{slots}", ["Worker:QuantumMilliseconds"] = "1", ["Worker:CheckpointSeconds"] = "0.000001" },
    };

    private sealed record Expectation(SamplingSpec Spec, string Reason, int At);
}
