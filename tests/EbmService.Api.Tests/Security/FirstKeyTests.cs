using System.Net;
using EbmService.Api.Hubs;
using Microsoft.AspNetCore.SignalR.Client;
using Xunit;

namespace EbmService.Api.Tests.Security;

/// <summary>The first key closes a running service: what was opened without one ends, or it would see every tenant's jobs for as long as it stays.</summary>
public sealed class FirstKeyTests : IDisposable
{
    private readonly ApiFactory _factory = new() { Settings = new() { ["Security:KeyRefreshSeconds"] = "0.1", ["Events:KeepAliveSeconds"] = "0.1" } };
    private readonly HttpClient _client;

    public FirstKeyTests()
    {
        _factory.UseKestrel(0);
        _factory.StartServer();
        _client = new HttpClient { BaseAddress = _factory.ClientOptions.BaseAddress };
    }

    public void Dispose()
    {
        _client.Dispose();
        _factory.Dispose();
    }

    [Fact]
    public async Task EventStream_OpenedBeforeTheFirstKey_Ends()
    {
        using HttpResponseMessage stream = await _client.SendAsync("GET", "/v1/events");
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);

        _factory.Keys.Add();

        // Ended as a stream or cut: either way nothing comes any more.
        Task end = stream.Content.ReadAsStringAsync(HttpTestExtensions.Cancel);
        await Task.WhenAny(end, Task.Delay(TimeSpan.FromSeconds(10), HttpTestExtensions.Cancel));
        Assert.True(end.IsCompleted);
    }

    [Fact]
    public async Task HubConnection_OpenedBeforeTheFirstKey_Ends()
    {
        await using HubConnection hub = new HubConnectionBuilder().WithUrl(new Uri(_client.BaseAddress!, JobsHub.Path)).Build();
        var closed = new TaskCompletionSource();
        hub.Closed += _ => { closed.TrySetResult(); return Task.CompletedTask; };
        await hub.StartAsync(HttpTestExtensions.Cancel);
        await hub.InvokeAsync("WatchAll", HttpTestExtensions.Cancel);

        _factory.Keys.Add();

        await closed.Task.WaitAsync(TimeSpan.FromSeconds(10), HttpTestExtensions.Cancel);
    }
}
