using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.Health;

public sealed class HealthEndpointsTests : IDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public HealthEndpointsTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Fact]
    public async Task Live_Always_Is200()
    {
        _factory.Worker.IsReady = false;

        Assert.Equal("live", (string?)(await (await _client.GetAsync("/health/live", HttpTestExtensions.Cancel)).JsonAsync())["status"]);
    }

    [Fact]
    public async Task Ready_WorkerAndModels_Is200AndNamesTheBrokenModel()
    {
        JsonObject health = await (await _client.GetAsync("/health/ready", HttpTestExtensions.Cancel)).JsonAsync();

        Assert.Equal("ready", (string?)health["status"]);
        Assert.Equal("broken/1", (string?)health["checks"]!["models"]!["unavailable"]![0]);
    }

    [Fact]
    public async Task Ready_WorkerDown_Is503()
    {
        _factory.Worker.IsReady = false;

        JsonObject health = await (await _client.GetAsync("/health/ready", HttpTestExtensions.Cancel))
            .JsonAsync(HttpStatusCode.ServiceUnavailable);

        Assert.Equal("notReady", (string?)health["status"]);
        Assert.False((bool)health["checks"]!["worker"]!["ready"]!);
    }
}
