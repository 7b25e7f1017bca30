using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using MessagePack;
using MessagePack.Resolvers;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace EbmService.EndToEnd.Tests.Hosting;

/// <summary>A message of the hub: <c>changed</c>, <c>progress</c> or <c>preview</c>.</summary>
internal sealed record HubMessage(string Kind, JsonObject Body);

/// <summary>A SignalR client of /hubs/jobs, as another service would write it.</summary>
internal sealed class JobWatch : IAsyncDisposable
{
    private readonly HubConnection _hub;
    private readonly Channel<HubMessage> _messages = Channel.CreateUnbounded<HubMessage>();

    private JobWatch(Uri address, bool messagePack)
    {
        IHubConnectionBuilder builder = new HubConnectionBuilder().WithUrl(new Uri(address, "/hubs/jobs"));
        if (messagePack)
            builder.AddMessagePackProtocol(options => options.SerializerOptions = MessagePackSerializerOptions.Standard.WithResolver(ContractlessStandardResolver.Instance));
        _hub = builder.Build();
        _hub.On<object>("JobChanged", job => Take("changed", ToJson(job)));
        _hub.On<object>("JobProgress", progress => Take("progress", ToJson(progress)));
        _hub.On<string, int, byte[]>("JobPreview", (id, step, png) =>
            Take("preview", new JsonObject { ["jobId"] = id, ["step"] = step, ["png"] = Convert.ToBase64String(png) }));
    }

    public static async Task<JobWatch> ConnectAsync(Uri address, bool messagePack = false)
    {
        var watch = new JobWatch(address, messagePack);
        await watch._hub.StartAsync(HttpSteps.Cancel);
        return watch;
    }

    public Task StartAsync(string id) => _hub.InvokeAsync("Watch", id, HttpSteps.Cancel);

    /// <summary>Messages until the condition holds for one; fails when the job ends first.</summary>
    public async Task<HubMessage> ReadUntilAsync(Func<HubMessage, bool> condition)
    {
        while (true)
        {
            HubMessage message = await _messages.Reader.ReadAsync(HttpSteps.Cancel);
            if (condition(message))
                return message;
            Assert.False(message.Kind == "changed" && message.Body.IsOver(), $"The job ended too early: {message.Body.ToJsonString()}");
        }
    }

    /// <summary>All messages up to the terminal one, and whatever came after it.</summary>
    public async Task<IReadOnlyList<HubMessage>> ReadToEndAsync()
    {
        List<HubMessage> messages = [];
        do
            messages.Add(await _messages.Reader.ReadAsync(HttpSteps.Cancel));
        while (messages[^1] is not { Kind: "changed" } last || !last.Body.IsOver());
        await Task.Delay(300, HttpSteps.Cancel);
        while (_messages.Reader.TryRead(out HubMessage? late))
            messages.Add(late);
        return messages;
    }

    public ValueTask DisposeAsync() => _hub.DisposeAsync();

    private void Take(string kind, JsonObject body) => _messages.Writer.TryWrite(new HubMessage(kind, body));

    private static JsonObject ToJson(object body) =>
        JsonNode.Parse(body is JsonElement element ? element.GetRawText() : JsonSerializer.Serialize(Plain(body)))!.AsObject();

    private static object? Plain(object? value) => value switch
    {
        IDictionary<object, object> map => map.ToDictionary(entry => (string)entry.Key, entry => Plain(entry.Value)),
        object[] list => list.Select(Plain).ToArray(),
        _ => value,
    };
}
