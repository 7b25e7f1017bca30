using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using EbmService.Api.Hubs;
using EbmService.Core.Jobs;
using MessagePack;
using MessagePack.Resolvers;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace EbmService.Api.Tests.Hubs;

public sealed class JobsHubTests : IDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public JobsHubTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Watch_WholeJob_SendsTheSameNamesInBothProtocols(bool messagePack)
    {
        string id = await CreateAsync();
        (HubConnection hub, ChannelReader<Message> messages) = await ConnectAsync(messagePack);
        await using HubConnection _ = hub;

        await hub.InvokeAsync("Watch", id, HttpTestExtensions.Cancel);
        Message queued = await messages.ReadAsync(HttpTestExtensions.Cancel);
        _factory.Jobs.Publish(id, n => new JobProgressEntry(id, n, new JobProgress
        {
            Fraction = 0.25, Metrics = new Dictionary<string, double> { ["energyMean"] = double.NaN, ["rHat"] = 1.5, ["essBulk"] = 7 },
        }));
        Message progress = await messages.ReadAsync(HttpTestExtensions.Cancel);
        _factory.Jobs.Publish(id, n => new JobPreviewEntry(id, n, 10, [1, 2, 3]));
        Message preview = await messages.ReadAsync(HttpTestExtensions.Cancel);
        _factory.Jobs.Finish(id);
        Message ended = await messages.ReadAsync(HttpTestExtensions.Cancel);

        Assert.Equal(("changed", id, "queued"), (queued.Kind, (string?)queued.Body["id"], (string?)queued.Body["status"]));
        Assert.Equal("gradientFirst", (string?)queued.Body["spec"]!["order"]);
        Assert.Equal("2026-01-02T03:04:05+00:00", (string?)queued.Body["createdAt"]);
        Assert.Equal(("progress", id, 2), (progress.Kind, (string?)progress.Body["jobId"], (int)progress.Body["sequence"]!));
        Assert.Equal(0.25, (double)progress.Body["fraction"]!);
        JsonObject metrics = progress.Body["metrics"]!.AsObject();
        Assert.Equal((1.5, 7.0, 2), ((double)metrics["rHat"]!, (double)metrics["essBulk"]!, metrics.Count));
        Assert.Equal(("preview", 10, "AQID"), (preview.Kind, (int)preview.Body["step"]!, (string?)preview.Body["png"]));
        Assert.Equal(("succeeded", "untilEss", "default"),
            ((string?)ended.Body["status"], (string?)ended.Body["stopReason"], (string?)ended.Body["tenant"]));
        Assert.Equal("samples.png", (string?)ended.Body["results"]![0]!["name"]);
    }

    [Theory]
    [InlineData("Watch", false)]
    [InlineData("Watch", true)]
    [InlineData("Unwatch", false)]
    public async Task WatchAndUnwatch_OfNothing_SayWhatToCall(string method, bool messagePack)
    {
        (HubConnection hub, _) = await ConnectAsync(messagePack);
        await using HubConnection connection = hub;

        Assert.Contains("the id of a job",
            (await Assert.ThrowsAsync<HubException>(() => hub.InvokeAsync(method, (string?)null, HttpTestExtensions.Cancel))).Message);
        Assert.Contains("the id of a job",
            (await Assert.ThrowsAsync<HubException>(() => hub.InvokeAsync(method, "", HttpTestExtensions.Cancel))).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Watch_UnknownJob_SaysSo(bool messagePack)
    {
        (HubConnection hub, _) = await ConnectAsync(messagePack);
        await using HubConnection connection = hub;

        var refusal = await Assert.ThrowsAsync<HubException>(() => hub.InvokeAsync("Watch", "nobody", HttpTestExtensions.Cancel));

        Assert.Contains("There is no job 'nobody'", refusal.Message);
    }

    [Fact]
    public async Task Unwatch_EndsTheMessages()
    {
        string id = await CreateAsync();
        (HubConnection hub, ChannelReader<Message> messages) = await ConnectAsync(messagePack: false);
        await using HubConnection connection = hub;
        await hub.InvokeAsync("Watch", id, HttpTestExtensions.Cancel);
        await messages.ReadAsync(HttpTestExtensions.Cancel);

        await hub.InvokeAsync("Unwatch", id, HttpTestExtensions.Cancel);
        _factory.Jobs.Finish(id);
        // A call and its answer travel behind anything sent before them.
        await hub.InvokeAsync("Unwatch", id, HttpTestExtensions.Cancel);

        Assert.False(messages.TryRead(out _));
    }

    [Fact]
    public async Task WatchAll_SendsEveryJob()
    {
        string id = await CreateAsync();
        (HubConnection hub, ChannelReader<Message> messages) = await ConnectAsync(messagePack: false);
        await using HubConnection connection = hub;

        await hub.InvokeAsync("WatchAll", HttpTestExtensions.Cancel);

        Assert.Equal(id, (string?)(await messages.ReadAsync(HttpTestExtensions.Cancel)).Body["id"]);
    }

    [Fact]
    public async Task Watch_AgainThenDisconnect_SendsTheStateAgainAndLeavesNothingBehind()
    {
        string id = await CreateAsync();
        (HubConnection hub, ChannelReader<Message> messages) = await ConnectAsync(messagePack: false);
        var watches = _factory.Services.GetRequiredService<JobWatches>();

        for (int i = 0; i < 3; i++)
        {
            await hub.InvokeAsync("Watch", id, HttpTestExtensions.Cancel);
            Assert.Equal(id, (string?)(await messages.ReadAsync(HttpTestExtensions.Cancel)).Body["id"]);
        }
        Assert.Equal(1, watches.Connections);
        await hub.DisposeAsync();

        await Poll.UntilAsync(() => Task.FromResult(watches.Connections == 0));
        Assert.False(messages.TryRead(out _));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("POST")]
    public async Task PlainRequest_ToTheHub_IsRefusedWithAProblem(string method)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "/hubs/jobs");
        HttpResponseMessage response = await _client.SendAsync(request, HttpTestExtensions.Cancel);

        Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        if (method != "HEAD")
            Assert.Equal("hubClientNeeded", (string?)(await response.JsonAsync(HttpStatusCode.BadRequest))["code"]);
    }

    private sealed record Message(string Kind, JsonObject Body);

    private async Task<string> CreateAsync() =>
        (string)(await (await _client.PostJsonAsync("/v1/jobs", """{"model": "digits"}""")).JsonAsync(HttpStatusCode.Accepted))["id"]!;

    private async Task<(HubConnection Hub, ChannelReader<Message> Messages)> ConnectAsync(bool messagePack)
    {
        var channel = Channel.CreateUnbounded<Message>();
        IHubConnectionBuilder builder = new HubConnectionBuilder().WithUrl(new Uri(_factory.Server.BaseAddress, "/hubs/jobs"), options =>
        {
            options.Transports = HttpTransportType.WebSockets;
            options.SkipNegotiation = true;
            options.WebSocketFactory = async (context, cancel) =>
                await _factory.Server.CreateWebSocketClient().ConnectAsync(context.Uri, cancel);
        });
        if (messagePack)
        {
            builder.AddMessagePackProtocol(
                options => options.SerializerOptions = MessagePackSerializerOptions.Standard.WithResolver(
                ContractlessStandardResolver.Instance));
        }
        HubConnection hub = builder.Build();
        Task HandleAsync(Message message) => channel.Writer.WriteAsync(message).AsTask();
        // Untyped on purpose: what stands on the wire is what is compared.
        hub.On<object>("JobChanged", job => HandleAsync(new("changed", ToJson(job))));
        hub.On<object>("JobProgress", progress => HandleAsync(new("progress", ToJson(progress))));
        hub.On<string, int, byte[]>("JobPreview",
            (jobId, step, png) =>
            HandleAsync(new("preview", new JsonObject { ["jobId"] = jobId, ["step"] = step, ["png"] = Convert.ToBase64String(png) })));
        await hub.StartAsync(HttpTestExtensions.Cancel);
        return (hub, channel.Reader);
    }

    private static JsonObject ToJson(object body) =>
        JsonNode.Parse(body is JsonElement element ? element.GetRawText() : JsonSerializer.Serialize(Plain(body)))!.AsObject();

    private static object? Plain(object? value) => value switch
    {
        IDictionary<object, object> map => map.ToDictionary(entry => (string)entry.Key, entry => Plain(entry.Value)),
        object[] list => list.Select(Plain).ToArray(),
        _ => value,
    };
}
