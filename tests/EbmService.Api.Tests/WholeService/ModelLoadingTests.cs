using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.WholeService;

/// <summary>Models that come and go while the service runs.</summary>
public sealed class ModelLoadingTests : IAsyncDisposable
{
    private const string LongJob = """{"model": "wells", "spec": {"chains": 64, "steps": 1000000, "seed": 1}}""";
    private const string Inputs = """{"inputs": [[1, 2]]}""";

    private readonly ServiceFolder _folder = new();
    private readonly ServiceFactory _factory;
    private readonly HttpClient _client;

    public ModelLoadingTests()
    {
        _factory = new ServiceFactory(_folder);
        _client = _factory.CreateClient();
    }

    public async ValueTask DisposeAsync()
    {
        await _factory.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task UnloadAndLoad_Model_IsAwayMeanwhile()
    {
        JsonObject unloaded = await ChangeAsync("/v1/models/bowl/unload");
        JsonObject refused = await (await _client.PostJsonAsync("/v1/models/bowl/energy", Inputs))
            .ProblemAsync(HttpStatusCode.ServiceUnavailable, "modelUnavailable");

        Assert.Equal(("unloaded", "unloaded"), ((string?)unloaded["state"], (string?)unloaded["versions"]![0]!["state"]));
        Assert.Equal("POST /v1/models/bowl/load puts it back into service.", (string?)refused["remedy"]);
        Assert.Equal("ready", (string?)(await (await _client.GetAsync("/health/ready", HttpTestExtensions.Cancel)).JsonAsync())["status"]);

        JsonObject loaded = await ChangeAsync("/v1/models/bowl/load");
        JsonObject answer = await (await _client.PostJsonAsync("/v1/models/bowl/energy", Inputs)).JsonAsync();

        Assert.Equal(("ready", "1"), ((string?)loaded["state"], (string?)loaded["version"]));
        Assert.Equal(2.5, (double)answer["results"]![0]!["energy"]!, 5);
    }

    [Fact]
    public async Task Load_VersionThatWasAdded_AnswersAndTheOldOneIsPinned()
    {
        _folder.AddVersion("bowl", "2");
        await ChangeAsync("/v1/models/bowl/load");

        JsonObject newest = await (await _client.PostJsonAsync("/v1/models/bowl/energy", Inputs)).JsonAsync();
        JsonObject pinned = await (await _client.PostJsonAsync("/v1/models/bowl/versions/1/energy", Inputs)).JsonAsync();

        Assert.Equal(("2", "1"), ((string?)newest["version"], (string?)pinned["version"]));
    }

    [Fact]
    public async Task Poll_VersionThatWasAdded_Answers()
    {
        using var folder = new ServiceFolder();
        await using var factory = new ServiceFactory(folder, ("Models:PollSeconds", "0.05"));
        using HttpClient client = factory.CreateClient();
        folder.AddVersion("bowl", "2");

        await Poll.UntilAsync(async () =>
            (string?)(await (await client.GetAsync("/v1/models/bowl", HttpTestExtensions.Cancel)).JsonAsync())["version"] == "2");
    }

    [Theory]
    [InlineData("nobody/load", 404, "modelNotFound")]
    [InlineData("nobody/unload", 404, "modelNotFound")]
    [InlineData("..%2Fbowl/load", 404, "modelNotFound")]
    [InlineData("bowl/versions/7/load", 404, "versionNotFound")]
    [InlineData("bowl/versions/..%2F1/unload", 404, "versionNotFound")]
    [InlineData("damaged/load", 503, "modelUnavailable")]
    public async Task LoadAndUnload_NotThere_IsAProblem(string path, int status, string code) =>
        await (await _client.PostAsync($"/v1/models/{path}", null, HttpTestExtensions.Cancel)).ProblemAsync((HttpStatusCode)status, code);

    [Fact]
    public async Task Unload_ModelOfARunningJob_StaysForTheJobUntilItEnds()
    {
        string id = (string)(await _client.StartJobAsync(LongJob))["id"]!;
        await Poll.UntilAsync(async () => (double)(await _client.GetJobAsync(id))["progress"]!["done"]! > 0);

        await ChangeAsync("/v1/models/wells/unload");
        Directory.Delete(Path.Combine(_folder.Models, "wells"), recursive: true);
        double done = (double)(await _client.GetJobAsync(id))["progress"]!["done"]!;
        await (await _client.PostJsonAsync("/v1/jobs", LongJob)).ProblemAsync(HttpStatusCode.ServiceUnavailable, "modelUnavailable");

        await Poll.UntilAsync(async () => (double)(await _client.GetJobAsync(id))["progress"]!["done"]! > done);
        await PostAsync($"/v1/jobs/{id}/pause");
        await PostAsync($"/v1/jobs/{id}/resume");
        await PostAsync($"/v1/jobs/{id}/cancel");
        await Poll.UntilAsync(async () => (string?)(await _client.GetJobAsync(id))["status"] == "cancelled");
        JsonObject job = await _client.GetJobAsync(id);
        Assert.Contains("samples.npy", job["results"]!.AsArray().Select(result => (string)result!["name"]!));
    }

    private Task<HttpResponseMessage> PostAsync(string path) => _client.PostAsync(path, null, HttpTestExtensions.Cancel);

    private async Task<JsonObject> ChangeAsync(string path) => await (await PostAsync(path)).JsonAsync();
}
