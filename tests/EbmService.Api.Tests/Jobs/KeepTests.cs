using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.Jobs;

public sealed class KeepTests : IAsyncDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public KeepTests() => _client = _factory.CreateClient();

    public ValueTask DisposeAsync() => _factory.DisposeAsync();

    [Theory]
    [InlineData("""{"model": "digits"}""", false)]
    [InlineData("""{"model": "digits", "keep": true}""", true)]
    public async Task Create_SaysWhetherTheJobIsKept(string body, bool kept)
    {
        JsonObject job = await (await _client.PostJsonAsync("/v1/jobs", body)).JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal(kept, (bool)job["keep"]!);
        Assert.True(job.ContainsKey("expiresAt"));
        Assert.Null(job["expiresAt"]);
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/merge-patch+json")]
    public async Task Patch_ChangesItAndAnswersWithTheJob(string mediaType)
    {
        string id = await CreateAsync();

        JsonObject changed = await (await PatchAsync(id, """{"keep": true}""", mediaType)).JsonAsync();

        Assert.Equal((id, true), ((string?)changed["id"], (bool)changed["keep"]!));
        Assert.True((bool)(await (await _client.GetAsync($"/v1/jobs/{id}", HttpTestExtensions.Cancel)).JsonAsync())["keep"]!);
    }

    [Theory]
    [InlineData("{}", "keep")]
    [InlineData("""{"keep": "yes"}""", "keep")]
    [InlineData("""{"keep": true, "priority": 1}""", "priority")]
    public async Task Patch_OfAnythingElse_IsAnErrorAtItsField(string body, string field)
    {
        JsonObject problem = await (await PatchAsync(await CreateAsync(), body)).ProblemAsync(HttpStatusCode.BadRequest, "invalidRequest");

        Assert.True(problem["errors"]!.AsObject().ContainsKey(field), problem.ToJsonString());
    }

    [Fact]
    public async Task Patch_OfAnUnknownJob_Is404() =>
        await (await PatchAsync(Guid.NewGuid().ToString("N"), """{"keep": true}""")).ProblemAsync(HttpStatusCode.NotFound, "jobNotFound");

    [Fact]
    public async Task Patch_AsText_Is415() =>
        await (await PatchAsync(await CreateAsync(), "keep", "text/plain")).ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupportedMediaType");

    private async Task<string> CreateAsync() =>
        (string)(await (await _client.PostJsonAsync("/v1/jobs", """{"model": "digits"}""")).JsonAsync(HttpStatusCode.Accepted))["id"]!;

    private Task<HttpResponseMessage> PatchAsync(string id, string body, string mediaType = "application/json") =>
        _client.PatchAsync($"/v1/jobs/{id}", new StringContent(body, Encoding.UTF8, mediaType), HttpTestExtensions.Cancel);
}
