using System.Net;
using System.Net.WebSockets;
using System.Text;
using EbmService.Core.Jobs;
using Microsoft.AspNetCore.SignalR.Client;
using Xunit;

namespace EbmService.Api.Tests.Hubs;

/// <summary>Over real sockets: the test server's have no end to their buffers.</summary>
public sealed class SlowHubClientTests
{
    private const int Pictures = 150;

    [Fact]
    public async Task Watch_ClientThatDoesNotRead_HoldsUpNobody()
    {
        await using var factory = new ApiFactory();
        factory.UseKestrel(0);
        factory.StartServer();
        using HttpClient client = factory.CreateClient();
        string id = (string)(await (await client.PostJsonAsync("/v1/jobs", """{"model": "digits"}"""))
            .JsonAsync(HttpStatusCode.Accepted))["id"]!;
        using ClientWebSocket stuck = await WatchWithoutReadingAsync(client.BaseAddress!, id);
        await using HubConnection quick = new HubConnectionBuilder().WithUrl(new Uri(client.BaseAddress!, "/hubs/jobs")).Build();
        int seen = 0;
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        quick.On<string, int, byte[]>("JobPreview", (_, _, _) => seen++);
        quick.On<System.Text.Json.JsonElement>("JobChanged", job =>
        {
            if (job.GetProperty("status").GetString() == "succeeded")
                ended.TrySetResult();
        });
        await quick.StartAsync(HttpTestExtensions.Cancel);
        await quick.InvokeAsync("Watch", id, HttpTestExtensions.Cancel);

        // 50 MB as base64: far more than sockets and pipes hold.
        byte[] picture = new byte[256 * 1024];
        for (int i = 0; i < Pictures; i++)
            factory.Jobs.Publish(id, n => new JobPreviewEntry(id, n, i, picture));
        factory.Jobs.Finish(id);

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(30), HttpTestExtensions.Cancel);
        Assert.Equal(Pictures, seen);
        Assert.Equal(WebSocketState.Open, stuck.State);
    }

    private static async Task<ClientWebSocket> WatchWithoutReadingAsync(Uri server, string id)
    {
        var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(server) { Scheme = "ws", Path = "/hubs/jobs" }.Uri, HttpTestExtensions.Cancel);
        foreach (string frame in new[] { """{"protocol":"json","version":1}""",
            $$"""{"type":1,"target":"Watch","arguments":["{{id}}"]}""" })
            await socket.SendAsync(
                Encoding.UTF8.GetBytes(frame + "\u001e"), WebSocketMessageType.Text, endOfMessage: true, HttpTestExtensions.Cancel);
        return socket;
    }
}
