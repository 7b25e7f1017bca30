using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Jobs;

/// <summary>The same event log over plain HTTP.</summary>
[Collection(ServiceCollection.Name)]
public sealed class ServerSentEventsTests(ServiceFixture fixture)
{
    [EndToEndFact]
    public async Task Events_OfAJob_EndWithTheTerminalOne()
    {
        string id = await fixture.Client.SubmitAsync(new JsonObject { ["chains"] = 64, ["steps"] = 100, ["seed"] = 20, ["previewEvery"] = 20 });

        List<SseItem<string>> events = await ReadAsync(id, lastEventId: null);

        Assert.Equal("job", events[^1].EventType);
        Assert.Equal("succeeded", (string?)JsonNode.Parse(events[^1].Data)!["status"]);
        Assert.Contains(events, item => item.EventType == "progress");
        long[] sequence = [.. events.Select(item => long.Parse(item.EventId!, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(sequence.Distinct().Order(), sequence);
        List<SseItem<string>> resumed = await ReadAsync(id, events[^2].EventId);
        Assert.Equal(events[^1].EventId, Assert.Single(resumed).EventId);
    }

    private async Task<List<SseItem<string>>> ReadAsync(string id, string? lastEventId)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{id}/events");
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        using HttpResponseMessage answer = await fixture.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, HttpSteps.Cancel);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        List<SseItem<string>> events = [];
        await foreach (SseItem<string> item in SseParser.Create(await answer.Content.ReadAsStreamAsync(HttpSteps.Cancel)).EnumerateAsync(HttpSteps.Cancel))
            events.Add(item);
        return events;
    }
}
