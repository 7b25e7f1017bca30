using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Telemetry;

[Collection(WatchedServiceCollection.Name)]
public sealed class TraceTests(WatchedService watched)
{
    [EndToEndFact]
    public async Task Request_WithATraceparent_ReachesTheCollectorWithItsJobLinkedBothWays()
    {
        CollectedSpan root = await SpanAsync(watched.JobId, "job sampling");
        CollectedSpan request = await SpanAsync(WatchedService.TraceId, "POST /v1/jobs/"), submit = await SpanAsync(WatchedService.TraceId, "job.submit");

        Assert.Equal((WatchedService.CallerSpan, request.SpanId), (request.ParentId, submit.ParentId));
        Assert.Equal(("", "ebm-service", watched.JobId), (root.ParentId, root.Service, root.Attributes["ebm.job.id"]));
        Assert.Equal((WatchedService.TraceId, submit.SpanId), Assert.Single(root.Links));
        Assert.Equal((watched.JobId, root.SpanId), Assert.Single(submit.Links));
    }

    [EndToEndFact]
    public async Task Job_AtTheCollector_ShowsItsWayFromTheQueueToTheDisk()
    {
        CollectedSpan root = await SpanAsync(watched.JobId, "job sampling");
        IReadOnlyList<CollectedSpan> spans = watched.Collector.Of(watched.JobId);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', spans.Select(span => $"{span.Name,-20} {span.ParentId,-16} {span.Milliseconds,10:F1} ms")));

        string[] children = ["job.queue", "job.block", "storage.blocks", "storage.results"];
        Assert.All(children, name => Assert.All(spans.Where(span => span.Name == name), span => Assert.Equal(root.SpanId, span.ParentId)));
        Assert.Empty(children.Append("job.quantum").Except(spans.Select(span => span.Name)));
        Assert.All(spans.Where(span => span.Name == "job.quantum"),
            quantum => Assert.Equal("job.block", spans.Single(span => span.SpanId == quantum.ParentId).Name));
    }

    [EndToEndFact]
    public async Task Query_AtTheCollector_IsAChildOfItsRequestWithoutSecrets()
    {
        await SpanAsync(watched.JobId, "job sampling");
        CollectedSpan query = await WaitAsync(() => All().FirstOrDefault(span => span.Name == "query outOfDistribution"));
        CollectedSpan request = await WaitAsync(() => All().FirstOrDefault(span => span.SpanId == query.ParentId));

        Assert.Equal("POST /v1/models/{model}/ood", request.Name);
        await WaitAsync(() => All().FirstOrDefault(span => span.Name == "GET /v1/jobs/{id}/results/{name}"));
        Assert.DoesNotContain(All(), span => span.Attributes.Values.Any(value => value.Contains(WatchedService.Secret, StringComparison.Ordinal)));
    }

    [EndToEndFact]
    public async Task Collector_GetsMetricsAndLogsToo_WithTheConfiguredHeader()
    {
        await WaitAsync(() => watched.Collector.BytesTo("/v1/metrics") > 0 && watched.Collector.BytesTo("/v1/logs") > 0 ? watched.Collector : null);

        Assert.Equal("abc", watched.Collector.Authorization);
    }

    [EndToEndFact]
    public async Task Answer_SaysWhichTraceTheRequestBecame()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{watched.JobId}");
        request.Headers.Add("traceparent", $"00-{WatchedService.TraceId}-{WatchedService.CallerSpan}-01");
        using HttpResponseMessage answer = await watched.Service.Client.SendAsync(request, HttpSteps.Cancel);

        Assert.Matches($"^00-{WatchedService.TraceId}-(?!{WatchedService.CallerSpan})[0-9a-f]{{16}}-01$", Assert.Single(answer.Headers.GetValues("traceresponse")));
    }

    private IReadOnlyList<CollectedSpan> All() => watched.Collector.All;

    private Task<CollectedSpan> SpanAsync(string traceId, string name) =>
        WaitAsync(() => watched.Collector.Of(traceId).FirstOrDefault(span => span.Name == name));

    private static async Task<T> WaitAsync<T>(Func<T?> find)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(HttpSteps.Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (true)
        {
            if (find() is { } found)
                return found;
            await Task.Delay(50, limit.Token);
        }
    }
}
