using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;
using EbmService.Core.Jobs;
using Xunit;

namespace EbmService.Api.Tests.Jobs;

/// <summary>Event streams as browsers and proxies meet them: silence, reconnects, ends.</summary>
public sealed class EventStreamTests : IDisposable
{
    private readonly ApiFactory _factory = new() { Settings = new() { ["Events:KeepAliveSeconds"] = "0.1" } };
    private readonly HttpClient _client;

    public EventStreamTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Fact]
    public async Task QuietStream_SendsCommentsThatParsersSkip()
    {
        string id = await CreateAsync();
        using HttpResponseMessage response = await OpenAsync($"/v1/jobs/{id}/events", lastEventId: "1");

        string start = await ReadAsync(response, until: ": nothing new\n\n: nothing new\n\n");
        _factory.Jobs.Finish(id);
        string rest = await response.Content.ReadAsStringAsync(HttpTestExtensions.Cancel);

        Assert.Equal(": nothing new\n\n: nothing new\n\n", start);
        SseItem<string> end = Assert.Single(SseParser.Create(new MemoryStream(Encoding.UTF8.GetBytes(start + rest))).Enumerate());
        Assert.Equal(("job", "2"), (end.EventType, end.EventId));
    }

    [Fact]
    public async Task PausedJob_AReconnectGetsItsHeadersAtOnce()
    {
        string id = await CreateAsync();
        await _client.PostAsync($"/v1/jobs/{id}/pause", null, HttpTestExtensions.Cancel);

        // Nothing will ever come after event 1 while it is paused.
        using HttpResponseMessage response = await OpenAsync($"/v1/jobs/{id}/events", lastEventId: "1")
            .WaitAsync(TimeSpan.FromSeconds(10), HttpTestExtensions.Cancel);

        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.True(response.Headers.CacheControl?.NoCache);
    }

    [Theory]
    [InlineData("2")]
    [InlineData("1000")]
    public async Task AfterTheLastEvent_Is204SoThatBrowsersStop(string lastEventId)
    {
        string id = await CreateAsync();
        _factory.Jobs.Finish(id);

        using HttpResponseMessage response = await OpenAsync($"/v1/jobs/{id}/events", lastEventId);

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.Null(response.Content.Headers.ContentType);
    }

    [Fact]
    public async Task EndedJobWithoutLastEventId_GivesItsEventsOnceMore()
    {
        string id = await CreateAsync();
        _factory.Jobs.Finish(id);

        using HttpResponseMessage response = await OpenAsync($"/v1/jobs/{id}/events", lastEventId: null);

        Assert.Contains("succeeded", await response.Content.ReadAsStringAsync(HttpTestExtensions.Cancel));
    }

    [Fact]
    public async Task AllJobs_CarryChangesAndProgressWithoutIds()
    {
        string id = await CreateAsync();
        using HttpResponseMessage response = await OpenAsync("/v1/events", lastEventId: null);
        _factory.Jobs.Publish(id, n => new JobProgressEntry(id, n, new JobProgress { Fraction = 0.5 }));
        _factory.Jobs.Finish(id);

        string text = await ReadAsync(response, until: "succeeded");

        SseItem<string>[] events =
            [.. SseParser.Create(
            new MemoryStream(Encoding.UTF8.GetBytes(text[..(text.LastIndexOf("event: job", StringComparison.Ordinal))]))).Enumerate()];
        Assert.Equal(["job", "progress"], events.Select(item => item.EventType));
        Assert.All(events, item => Assert.Null(item.EventId));
        Assert.Equal(id, (string?)JsonNode.Parse(events[0].Data)!["id"]);
        Assert.Equal(id, (string?)JsonNode.Parse(events[1].Data)!["jobId"]);
    }

    [Theory]
    [InlineData("?tenant=b", null)]
    [InlineData("", "b")]
    public async Task AllJobs_OfAnotherTenant_AreLeftOut(string query, string? header)
    {
        await CreateAsync(tenant: "a");
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events" + query);
        if (header is not null)
            request.Headers.Add("X-Tenant", header);
        using HttpResponseMessage response = await _client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, HttpTestExtensions.Cancel);

        Assert.Equal(": nothing new\n\n", await ReadAsync(response, until: "\n\n"));
    }

    private async Task<string> CreateAsync(string? tenant = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
        {
            Content = new StringContent("""{"model": "digits"}""", Encoding.UTF8, "application/json"),
        };
        if (tenant is not null)
            request.Headers.Add("X-Tenant", tenant);
        return (string)(await (await _client.SendAsync(request, HttpTestExtensions.Cancel)).JsonAsync(HttpStatusCode.Accepted))["id"]!;
    }

    private Task<HttpResponseMessage> OpenAsync(string path, string? lastEventId)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        return _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, HttpTestExtensions.Cancel);
    }

    private static async Task<string> ReadAsync(HttpResponseMessage response, string until)
    {
        Stream stream = await response.Content.ReadAsStreamAsync(HttpTestExtensions.Cancel);
        var text = new StringBuilder();
        var one = new byte[1];
        while (!text.ToString().EndsWith(until, StringComparison.Ordinal) && await stream.ReadAsync(one, HttpTestExtensions.Cancel) == 1)
            text.Append((char)one[0]);
        return text.ToString();
    }
}
