using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using Xunit;

namespace EbmService.Client.Tests.Service;

/// <summary>Watches against the real service, over a network that breaks.</summary>
public sealed class WatchTests(RunningService service) : IClassFixture<RunningService>
{
    private const int Limit = 120_000;

    private static readonly SamplingRequest s_long = new() { Chains = 4, Steps = 2_000_000, BlockSize = 4 };
    private static readonly SamplingRequest s_short = new() { Chains = 4, Steps = 200 };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = Limit)]
    [InlineData(EventTransport.SignalR)]
    [InlineData(EventTransport.ServerSentEvents)]
    public async Task Watch_WholeJob_BeginsWithItsStateAndEndsWithItsEnd(EventTransport transport)
    {
        await using EbmClient client = service.Client(transport);
        JobResponse job = await client.Jobs.CreateAsync("bowl", s_long, cancellationToken: Cancel);
        var events = new List<JobEvent>();

        await foreach (JobEvent happened in client.Jobs.WatchAsync(job.Id, Cancel))
        {
            events.Add(happened);
            if (happened is JobProgressEvent { Progress.Done: > 0 } && events.OfType<JobProgressEvent>().Count() == 2)
                await client.Jobs.CancelAsync(job.Id, Cancel);
        }

        Assert.Equal(job.Id, Assert.IsType<JobChangedEvent>(events[0]).Job.Id);
        Assert.Equal(JobStatus.Cancelled, Assert.IsType<JobChangedEvent>(events[^1]).Job.Status);
        Assert.Equal(1, events.OfType<JobChangedEvent>().Count(changed => changed.Job.Status.IsTerminal()));
        long?[] numbers = [.. events.Where(one => one.Sequence is not null).Select(one => one.Sequence)];
        Assert.True(numbers.Length >= 2);
        Assert.Equal(numbers.Distinct().Order(), numbers);
        Assert.All(events, one => Assert.Equal(job.Id, one.JobId));
        Assert.IsType<SamplingSpec>(((JobChangedEvent)events[^1]).Job.Spec);
    }

    [Theory(Timeout = Limit)]
    [InlineData(EventTransport.SignalR)]
    [InlineData(EventTransport.ServerSentEvents)]
    [InlineData(EventTransport.Automatic)]
    public async Task Watch_EndedJob_GivesItsEndAtOnce(EventTransport transport)
    {
        await using EbmClient client = service.Client(transport);
        JobResponse job = (await client.Jobs.RunAsync("bowl", s_short, cancellationToken: Cancel)).EnsureSucceeded();

        Assert.Equal(JobStatus.Succeeded, (await client.Jobs.WaitAsync(job.Id, Cancel)).Status);
    }

    [Theory(Timeout = Limit)]
    [InlineData(EventTransport.SignalR)]
    [InlineData(EventTransport.ServerSentEvents)]
    [InlineData(EventTransport.Automatic)]
    public async Task Watch_UnknownJob_IsItsProblem(EventTransport transport)
    {
        await using EbmClient client = service.Client(transport);

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => client.Jobs.WaitAsync("nobody", Cancel));

        Assert.True(problem.Is(Core.Failures.FailureCode.JobNotFound), problem.Describe());
    }

    [Theory(Timeout = Limit)]
    [InlineData(EventTransport.SignalR)]
    [InlineData(EventTransport.ServerSentEvents)]
    public async Task Watch_BrokenConnection_GoesOnWithoutRepetition(EventTransport transport)
    {
        await using EbmClient client = service.Client(transport), direct = service.Direct();
        JobResponse job = await direct.Jobs.CreateAsync("bowl", s_long, cancellationToken: Cancel);
        var numbers = new List<long>();
        int atTheCut = 0;
        JobEvent? last = null;

        await foreach (JobEvent happened in client.Jobs.WatchAsync(job.Id, Cancel))
        {
            last = happened;
            if (happened is not JobProgressEvent progress)
                continue;
            numbers.Add(progress.Sequence!.Value);
            if (numbers.Count == 2)
            {
                service.Relay.Cut();
                atTheCut = numbers.Count;
            }
            else if (numbers.Count == 5)
            {
                await direct.Jobs.CancelAsync(job.Id, Cancel);
            }
        }

        Assert.Equal(2, atTheCut);
        Assert.Equal(numbers.Distinct().Order(), numbers);
        Assert.Equal(JobStatus.Cancelled, Assert.IsType<JobChangedEvent>(last).Job.Status);
    }

    [Theory(Timeout = Limit)]
    [InlineData(EventTransport.SignalR)]
    [InlineData(EventTransport.ServerSentEvents)]
    public async Task Watch_JobEndsWhileTheNetworkIsAway_GivesItsEnd(EventTransport transport)
    {
        await using EbmClient client = service.Client(transport), direct = service.Direct();
        JobResponse job = await direct.Jobs.CreateAsync("bowl", s_long, cancellationToken: Cancel);
        JobEvent? last = null;
        bool wasAway = false;

        await foreach (JobEvent happened in client.Jobs.WatchAsync(job.Id, Cancel))
        {
            last = happened;
            if (wasAway || happened is not JobProgressEvent)
                continue;
            wasAway = service.Relay.IsDown = true;
            service.Relay.Cut();
            await direct.Jobs.CancelAsync(job.Id, Cancel);
            await direct.Jobs.WaitAsync(job.Id, Cancel);
            service.Relay.IsDown = false;
        }

        Assert.True(wasAway);
        Assert.Equal(JobStatus.Cancelled, Assert.IsType<JobChangedEvent>(last).Job.Status);
    }

    [Theory(Timeout = Limit)]
    [InlineData(EventTransport.SignalR)]
    [InlineData(EventTransport.ServerSentEvents)]
    public async Task WatchAll_JobEndsWhileTheNetworkIsAway_GivesItsEnd(EventTransport transport)
    {
        await using EbmClient client = service.Client(transport), direct = service.Direct();
        JobResponse job = await direct.Jobs.CreateAsync("bowl", s_long, cancellationToken: Cancel);
        JobResponse? ended = null;
        bool wasAway = false;

        await foreach (JobEvent happened in client.Jobs.WatchAllAsync(Cancel))
        {
            if (happened is JobChangedEvent { Job: var changed } && changed.Id == job.Id && changed.Status.IsTerminal())
            {
                ended = changed;
                break;
            }
            if (wasAway || happened is not JobProgressEvent || happened.JobId != job.Id)
                continue;
            wasAway = service.Relay.IsDown = true;
            service.Relay.Cut();
            await direct.Jobs.CancelAsync(job.Id, Cancel);
            await direct.Jobs.WaitAsync(job.Id, Cancel);
            service.Relay.IsDown = false;
        }

        Assert.True(wasAway);
        Assert.Equal(JobStatus.Cancelled, ended!.Status);
    }

    [Fact(Timeout = Limit)]
    public async Task Watch_HubKeptOut_FallsBackAndLeavesTheHubAloneForAWhile()
    {
        await using EbmClient client = service.Client();
        int before = service.Gate.Seen.Count;
        service.Gate.IsClosed = true;
        try
        {
            for (int i = 0; i < 2; i++)
            {
                JobResponse job = await client.Jobs.CreateAsync("bowl", s_short, cancellationToken: Cancel);
                Assert.Equal(JobStatus.Succeeded, (await client.Jobs.WaitAsync(job.Id, Cancel)).Status);
            }
        }
        finally
        {
            service.Gate.IsClosed = false;
        }

        Assert.Equal(1, service.Gate.Seen.Count - before);
    }

    [Fact(Timeout = Limit)]
    public async Task Watch_TwoReadersOfAJob_EachHasItsEndAndOneMayLeave()
    {
        await using EbmClient client = service.Client(EventTransport.SignalR);
        JobResponse job = await client.Jobs.CreateAsync("bowl", s_long, cancellationToken: Cancel);
        Task<JobResponse> stays = client.Jobs.WaitAsync(job.Id, Cancel);

        await foreach (JobEvent happened in client.Jobs.WatchAsync(job.Id, Cancel))
        {
            if (happened is JobProgressEvent)
                break;
        }
        await client.Jobs.CancelAsync(job.Id, Cancel);

        Assert.Equal(JobStatus.Cancelled, (await stays).Status);
    }

    [Theory(Timeout = Limit)]
    [InlineData(EventTransport.SignalR)]
    [InlineData(EventTransport.ServerSentEvents)]
    public async Task Watch_Cancelled_IsACancelAndTheJobRunsOn(EventTransport transport)
    {
        await using EbmClient client = service.Client(transport);
        JobResponse job = await client.Jobs.CreateAsync("bowl", s_long, cancellationToken: Cancel);
        using var leave = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (JobEvent happened in client.Jobs.WatchAsync(job.Id, leave.Token))
            {
                if (happened is JobProgressEvent)
                    await leave.CancelAsync();
            }
        });

        Assert.False((await client.Jobs.GetAsync(job.Id, Cancel)).Status.IsTerminal());
        await client.Jobs.CancelAsync(job.Id, Cancel);
    }

    [Fact(Timeout = Limit)]
    public async Task Watch_ServiceAwayForTooLong_SaysSo()
    {
        await using EbmClient client = service.Client(configure: options =>
            (options.ReconnectTimeout, options.BaseAddress) = (TimeSpan.FromSeconds(1), new Uri("http://localhost:9/")));

        EbmException problem = await Assert.ThrowsAsync<EbmException>(() => client.Jobs.WaitAsync("0198", Cancel));

        Assert.Equal(EbmException.ConnectionFailed, problem.Code);
    }

    [Fact(Timeout = Limit)]
    public async Task Watch_WithAKey_TellsItToTheHub()
    {
        await using EbmClient client = service.Client(EventTransport.SignalR, options => options.ApiKey = "hub-key");
        JobResponse job = await client.Jobs.CreateAsync("bowl", s_short, cancellationToken: Cancel);

        await client.Jobs.WaitAsync(job.Id, Cancel);

        Assert.Contains(service.Gate.Seen, seen => seen == "/hubs/jobs/negotiate Bearer hub-key");
        Assert.Contains(service.Gate.Seen, seen => seen == "/hubs/jobs Bearer hub-key");
    }
}
