using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using Xunit;

namespace EbmService.Client.Tests.Service;

/// <summary>The service stops and starts again while a job is watched.</summary>
public sealed class RestartTests(RunningService service) : IClassFixture<RunningService>
{
    private const int Limit = 120_000;

    [Theory(Timeout = Limit)]
    [InlineData(EventTransport.SignalR)]
    [InlineData(EventTransport.ServerSentEvents)]
    public async Task Watch_ServiceRestarts_GoesOnToTheEnd(EventTransport transport)
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using EbmClient client = service.Client(transport);
        JobResponse job = await client.Jobs.CreateAsync("bowl", new SamplingRequest { Chains = 4, Steps = 5_000_000 }, cancellationToken: cancel);
        bool restarted = false, isHeardAgain = false;
        JobEvent? last = null;

        await foreach (JobEvent happened in client.Jobs.WatchAsync(job.Id, cancel))
        {
            last = happened;
            if (happened is not JobProgressEvent { Progress.Done: > 0 })
                continue;
            if (!restarted)
            {
                restarted = true;
                await service.StopAsync();
                service.StartAgain();
            }
            else if (!isHeardAgain)
            {
                isHeardAgain = true;
                await client.Jobs.CancelAsync(job.Id, cancel);
            }
        }

        Assert.True(isHeardAgain);
        JobResponse ended = Assert.IsType<JobChangedEvent>(last).Job;
        Assert.Equal((JobStatus.Cancelled, true), (ended.Status, ended.Attempt > 1));
    }
}
