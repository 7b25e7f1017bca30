using System.Net;
using EbmService.Api.Hubs;
using EbmService.Api.Security;
using EbmService.Api.Tests.Fakes;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace EbmService.Api.Tests.Security;

/// <summary>What is open when a key ends, and what of a key in a query can be read in a log; both on a real server.</summary>
public sealed class OpenStreamTests : IDisposable
{
    private readonly CapturedLogs _logs = new();
    private readonly ApiFactory _factory;
    private readonly string _key;
    private readonly HttpClient _client;

    public OpenStreamTests()
    {
        _factory = new ApiFactory { Logs = _logs, Settings = new() { ["Security:KeyRefreshSeconds"] = "0.1", ["Events:KeepAliveSeconds"] = "0.1" } };
        _key = _factory.Keys.Add();
        _factory.UseKestrel(0);
        _factory.StartServer();
        _client = new HttpClient { BaseAddress = _factory.ClientOptions.BaseAddress };
    }

    public void Dispose()
    {
        _client.Dispose();
        _factory.Dispose();
    }

    [Theory]
    [InlineData(HttpTransportType.WebSockets)]
    [InlineData(HttpTransportType.ServerSentEvents)]
    [InlineData(HttpTransportType.LongPolling)]
    public async Task HubConnection_RevokedKey_EndsWithinSeconds(HttpTransportType transport)
    {
        await using HubConnection hub = Hub(transport);
        var closed = new TaskCompletionSource();
        hub.Closed += _ => { closed.TrySetResult(); return Task.CompletedTask; };
        await hub.StartAsync(HttpTestExtensions.Cancel);
        await hub.InvokeAsync("Unwatch", "1", HttpTestExtensions.Cancel);

        _factory.Keys.Revoke(_key);

        await closed.Task.WaitAsync(TimeSpan.FromSeconds(10), HttpTestExtensions.Cancel);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EventStream_KeyRevokedOrExpired_EndsWithinSeconds(bool revoked)
    {
        string key = revoked ? _key : _factory.Keys.Add(expires: TimeProvider.System.GetUtcNow().AddSeconds(2));
        await Poll.UntilAsync(() => Task.FromResult(_factory.Services.GetRequiredService<KeyRing>().Check(key).Succeeded));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs") { Content = new StringContent("""{"model": "digits"}""") };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add(Credential.KeyHeader, key);
        await (await _client.SendAsync(request, HttpTestExtensions.Cancel)).JsonAsync(HttpStatusCode.Accepted);
        using HttpResponseMessage stream = await _client.SendAsync("GET", $"/v1/events?access_token={key}");
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);

        if (revoked)
            _factory.Keys.Revoke(key);

        // A whole stream, ended as streams are, and not a broken connection.
        string all = await stream.Content.ReadAsStringAsync(HttpTestExtensions.Cancel).WaitAsync(TimeSpan.FromSeconds(10), HttpTestExtensions.Cancel);
        Assert.StartsWith("event: job\n", all);
    }

    [Fact]
    public async Task KeysAndTokens_AreInNoLog_WhateverIsLogged()
    {
        string wrong = EbmService.Jobs.Keys.ApiKeyText.Create(), jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzb21lb25lIn0.c2lnbmF0dXJl";
        await using (HubConnection hub = Hub(HttpTransportType.WebSockets))
        {
            await hub.StartAsync(HttpTestExtensions.Cancel);
            await hub.InvokeAsync("Unwatch", "1", HttpTestExtensions.Cancel);
        }
        var answers = new List<string>();
        foreach (string token in new[] { _key, wrong, jwt })
        {
            foreach (string path in new[] { "/v1/events", "/v1/models", "/v1/jobs/1/events", "/hubs/jobs", "/nothing", "/swagger/index.html", "/v1/jobs%0a" })
            {
                foreach (string name in new[] { "access_token", "ACCESS_TOKEN", "access%5ftoken", "%61ccess_token" })
                {
                    using HttpResponseMessage response = await _client.SendAsync("GET", $"{path}?a=b&{name}={token}&c=d");
                    if (response.Content.Headers.ContentType?.MediaType == "application/problem+json")
                        answers.Add(await response.Content.ReadAsStringAsync(HttpTestExtensions.Cancel));
                }
                using HttpResponseMessage header = await _client.SendAsync("GET", path, KeyClientExtensions.Bearer(token));
                using HttpResponseMessage other = await _client.SendAsync("GET", path, KeyClientExtensions.ApiKey(token));
            }
        }

        string[] secrets = [_key[17..], wrong[17..], "c2lnbmF0dXJl"];
        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.DoesNotContain(secrets, answer.Contains));
        (string Category, string Text)[] entries = [.. _logs.Entries];
        // The server's own request log is among them, and has the rest of the query.
        Assert.Contains(entries, entry => entry.Category == "Microsoft.AspNetCore.Hosting.Diagnostics" && entry.Text.Contains("?a=b&c=d"));
        Assert.All(entries, entry => Assert.False(secrets.Any(entry.Text.Contains), $"{entry.Category}: {entry.Text}"));
    }

    [Fact]
    public async Task AdminCalls_AndRefusals_AreInTheAuditLog()
    {
        string key = _factory.Keys.Add("team-a", ["models:admin"], name: "deployer"), reader = _factory.Keys.Add("team-b", ["infer"], name: "reader");
        await Poll.UntilAsync(() => Task.FromResult(_factory.Services.GetRequiredService<KeyRing>().Check(reader).Succeeded));
        using HttpResponseMessage done = await _client.SendAsync("POST", "/v1/models/digits/unload", KeyClientExtensions.Bearer(key));
        using HttpResponseMessage missing = await _client.SendAsync("POST", "/v1/models/a%0Ab/load", KeyClientExtensions.Bearer(key));
        using HttpResponseMessage refused = await _client.SendAsync("POST", "/v1/models/digits/load", KeyClientExtensions.Bearer(reader));
        using HttpResponseMessage stranger = await _client.SendAsync("POST", "/v1/models/digits/load");

        // Written when the answer is on its way already.
        await Poll.UntilAsync(() => Task.FromResult(_logs.Of(AuditLog.Category).Count(line => line.Contains("/v1/models/") && line.Contains("->")) == 4));
        string[] audit = _logs.Of(AuditLog.Category);
        string id = EbmService.Jobs.Keys.ApiKeyText.IdOf(key)!;
        Assert.Contains(audit, line => line.StartsWith(
            $"key {id} (deployer) of tenant 'team-a' from 127.0.0.1: POST /v1/models/digits/unload -> 200", StringComparison.Ordinal));
        Assert.Contains(audit, line => line.Contains("POST /v1/models/a%0Ab/load -> 404"));
        Assert.Contains(audit, line => line.Contains("(reader) of tenant 'team-b'") && line.Contains("-> 403"));
        Assert.Contains(audit, line => line.StartsWith("anybody of tenant ''", StringComparison.Ordinal) && line.Contains("-> 401"));
        Assert.Contains(audit, line => line.StartsWith($"Key {id} (deployer) of tenant 'team-a', scopes models:admin: in force", StringComparison.Ordinal));
        Assert.Contains(audit, line => line.StartsWith("Refused ", StringComparison.Ordinal));
    }

    private HubConnection Hub(HttpTransportType transport) => new HubConnectionBuilder().WithUrl(new Uri(_client.BaseAddress!, JobsHub.Path), options =>
    {
        options.Transports = transport;
        options.AccessTokenProvider = () => Task.FromResult<string?>(_key);
    }).Build();
}
