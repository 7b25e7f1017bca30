using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using EbmService.Core.Jobs;
using Xunit;

namespace EbmService.Api.Tests.Jobs;

public sealed class JobEventEndpointsTests : IDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public JobEventEndpointsTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Fact]
    public async Task Events_WholeJob_CarryTypesIdsAndEndWithTheTerminalOne()
    {
        string id = await CreateAsync();
        _factory.Jobs.Publish(id, n => new JobProgressEntry(id, n, new JobProgress
        {
            Fraction = 0.5, Done = 5, Total = 10, Unit = "chainSteps", RatePerSecond = double.NaN,
            Metrics = new Dictionary<string, double> { ["rHat"] = 1.02, ["essBulk"] = 99,
                ["essTail"] = double.PositiveInfinity, ["ebfmi"] = double.NaN },
        }));
        _factory.Jobs.Publish(id, n => new JobPreviewEntry(id, n, 10, [1, 2, 3]));
        _factory.Jobs.Finish(id);

        List<SseItem<string>> events = await ReadAsync(id, lastEventId: null);

        Assert.Equal(["job", "progress", "preview", "job"], events.Select(item => item.EventType));
        Assert.Equal(["1", "2", "3", "4"], events.Select(item => item.EventId));
        JsonNode progress = JsonNode.Parse(events[1].Data)!;
        Assert.Equal(id, (string?)progress["jobId"]);
        Assert.Equal(2, (int)progress["sequence"]!);
        Assert.Equal((5, 10, "chainSteps"), ((int)progress["done"]!, (int)progress["total"]!, (string?)progress["unit"]));
        Assert.True(progress.AsObject().ContainsKey("ratePerSecond"));
        Assert.Null(progress["ratePerSecond"]);
        // What is no finite number is absent.
        Assert.Equal(["rHat", "essBulk"], progress["metrics"]!.AsObject().Select(metric => metric.Key));
        Assert.Equal((1.02, 99.0), ((double)progress["metrics"]!["rHat"]!, (double)progress["metrics"]!["essBulk"]!));
        Assert.Equal("AQID", (string?)JsonNode.Parse(events[2].Data)!["png"]);
        Assert.Equal("succeeded", (string?)JsonNode.Parse(events[3].Data)!["status"]);
    }

    [Fact]
    public async Task Events_LastEventId_GoesOnAfterIt()
    {
        string id = await CreateAsync();
        _factory.Jobs.Publish(id, n => new JobProgressEntry(id, n, new JobProgress()));
        _factory.Jobs.Finish(id);

        Assert.Equal(["3"], (await ReadAsync(id, "2")).Select(item => item.EventId));
    }

    [Fact]
    public async Task Events_BadLastEventId_Is400()
    {
        string id = await CreateAsync();
        var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{id}/events");
        request.Headers.Add("Last-Event-ID", "x");

        await (await _client.SendAsync(request, HttpTestExtensions.Cancel)).FieldErrorAsync("Last-Event-ID");
    }

    [Fact]
    public async Task Events_UnknownJob_Is404() =>
        await (await _client.GetAsync("/v1/jobs/nobody/events", HttpTestExtensions.Cancel))
            .ProblemAsync(HttpStatusCode.NotFound, "jobNotFound");

    private async Task<string> CreateAsync() =>
        (string)(await (await _client.PostJsonAsync("/v1/jobs", """{"model": "digits"}""")).JsonAsync(HttpStatusCode.Accepted))["id"]!;

    private async Task<List<SseItem<string>>> ReadAsync(string id, string? lastEventId)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{id}/events");
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        HttpResponseMessage response = await _client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, HttpTestExtensions.Cancel);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var items = new List<SseItem<string>>();
        await foreach (SseItem<string> item in SseParser.Create(
            await response.Content.ReadAsStreamAsync(HttpTestExtensions.Cancel)).EnumerateAsync(HttpTestExtensions.Cancel))
            items.Add(item);
        return items;
    }
}
