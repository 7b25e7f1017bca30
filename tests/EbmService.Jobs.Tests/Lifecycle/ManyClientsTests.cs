using System.Collections.Concurrent;
using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>64 clients at once over a real database: no exception, nothing stuck, nothing lost. A minute with EBM_TEST_SOAK=1, some seconds else.</summary>
public sealed class ManyClientsTests
{
    private const int Clients = 64;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("EBM_TEST_SOAK") == "1" ? 60 : 4);

    /// <summary>What a client may be told in place of a job, when its wish came too late or another one was quicker.</summary>
    private static readonly FailureCode[] Expected = [FailureCode.InvalidTransition, FailureCode.JobNotFound, FailureCode.QueueFull];

    private readonly ConcurrentDictionary<string, Wish> _wishes = new();
    private readonly ConcurrentBag<string> _problems = [];

    private enum Wish
    {
        None,
        Paused,
        Cancelled,
        Deleted,
    }

    [Fact]
    public async Task SubmitPauseResumeCancelDelete_AllAtOnce_NothingIsStuckOrLost()
    {
        await using var host = new JobsHost();
        host.Settings["Worker:Slots"] = "3";
        host.Settings["Worker:QuantumMilliseconds"] = "1";
        host.Settings["Worker:CheckpointSeconds"] = "0.2";
        await host.StartAsync();
        long began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(client => Task.Run(() => LiveAsync(host, new Random(client), began))));

        Assert.True(_problems.IsEmpty, string.Join('\n', _problems.Take(10)));
        Assert.True(_wishes.Count > Clients / 4);
        foreach ((string id, Wish wish) in _wishes)
            await CheckAsync(host, id, wish);
    }

    private async Task LiveAsync(JobsHost host, Random random, long began)
    {
        List<string> mine = [];
        while (Stopwatch.GetElapsedTime(began) < Time)
        {
            try
            {
                await ActAsync(host.Jobs, random, mine);
            }
            catch (Exception e)
            {
                _problems.Add(e.ToString());
                return;
            }
        }
    }

    private async Task ActAsync(IJobService jobs, Random random, List<string> mine)
    {
        if (mine.Count == 0 || random.Next(4) == 0)
        {
            Outcome<JobSnapshot> made = await jobs.SubmitAsync(JobsHost.Submission(Spec(random)) with { Tenant = $"t{random.Next(4)}" }, default);
            if (Accepted(made, "submit"))
            {
                mine.Add(made.Value!.Id);
                _wishes[made.Value.Id] = Wish.None;
            }
            return;
        }
        // Each client keeps to its own jobs, so that it knows what the last accepted wish was.
        string id = mine[random.Next(mine.Count)];
        switch (random.Next(5))
        {
            case 0:
                Outcome<JobSnapshot> paused = await jobs.PauseAsync(id, default);
                if (Accepted(paused, "pause") && _wishes[id] == Wish.None && paused.Value!.Status == JobStatus.Paused)
                    _wishes[id] = Wish.Paused;
                break;
            case 1:
                if (Accepted(await jobs.ResumeAsync(id, default), "resume") && _wishes[id] == Wish.Paused)
                    _wishes[id] = Wish.None;
                break;
            case 2:
                if (Accepted(await jobs.CancelAsync(id, default), "cancel"))
                    _wishes[id] = Wish.Cancelled;
                break;
            case 3:
                if (Accepted(await jobs.DeleteAsync(id, default), "delete"))
                {
                    _wishes[id] = Wish.Deleted;
                    mine.Remove(id);
                }
                break;
            default:
                await jobs.WaitAsync(id, TimeSpan.FromMilliseconds(random.Next(20)), default);
                break;
        }
    }

    private bool Accepted(Outcome<JobSnapshot> answer, string wish)
    {
        if (!answer.Succeeded && !Expected.Contains(answer.Failure.Code))
            _problems.Add($"{wish}: {answer.Failure.Code} {answer.Failure.Message}");
        return answer.Succeeded;
    }

    private static async Task CheckAsync(JobsHost host, string id, Wish wish)
    {
        if (wish == Wish.Deleted)
        {
            Assert.Equal(FailureCode.JobNotFound, (await host.Jobs.FindAsync(id, default)).Failure?.Code);
            return;
        }
        if (wish == Wish.Paused)
        {
            Assert.Equal(JobStatus.Paused, (await host.FindAsync(id)).Status);
            Assert.True((await host.Jobs.ResumeAsync(id, default)).Succeeded);
        }
        if (wish == Wish.None)
            await host.Jobs.ResumeAsync(id, default);
        JobSnapshot end = (await host.Jobs.WaitAsync(id, TimeSpan.FromMinutes(2), default)).OrThrow();
        Assert.True(end.Status.IsTerminal(), $"{id} is stuck: {end.Status}");
        Assert.Equal(wish == Wish.Cancelled ? JobStatus.Cancelled : JobStatus.Succeeded, end.Status);
        if (end is not { Status: JobStatus.Succeeded, Spec: SamplingSpec { Stop: null } spec })
            return;
        string whole = string.Concat(Enumerable.Range(0, spec.Chains / 4).Select(index => $"{index}:{spec.Steps};"));
        Assert.Equal(whole, await host.ReadResultAsync(id));
    }

    private static SamplingSpec Spec(Random random)
    {
        SamplingSpec spec = JobsHost.Spec(seed: random.Next(1_000_000), chains: 4 * random.Next(1, 4), steps: random.Next(1, 40));
        return random.Next(3) == 0 ? spec with { Stop = new StopRules(UntilEss: random.Next(1, 30), CheckEvery: random.Next(1, 8)) } : spec;
    }
}
