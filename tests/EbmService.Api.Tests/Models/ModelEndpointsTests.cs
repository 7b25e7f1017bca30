using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.Models;

public sealed class ModelEndpointsTests(ApiFactory factory) : IClassFixture<ApiFactory>
{
    private readonly HttpClient _client = factory.CreateClient();

    [Fact]
    public async Task List_ShowsReadyAndBrokenModels()
    {
        JsonArray models = (await (await _client.GetAsync("/v1/models", HttpTestExtensions.Cancel)).JsonAsync())["models"]!.AsArray();

        Assert.Equal(["digits", "moons", "lattice", "ring", "broken"], models.Select(model => (string)model!["name"]!));
        Assert.Equal("[1,4,4]", models[0]!["input"]!["shape"]!.ToJsonString());
        Assert.Equal("""["zero","one","two"]""", models[0]!["labels"]!.ToJsonString());
        Assert.Contains("classification", models[0]!["tasks"]!.AsArray().Select(task => (string)task!));
        Assert.Equal("unavailable", (string?)models[4]!["state"]);
        Assert.Equal("version.json is missing", (string?)models[4]!["versions"]![0]!["reason"]);
    }

    [Theory]
    [InlineData("/v1/models/digits")]
    [InlineData("/v1/models/digits/versions/1")]
    public async Task Get_Card_HasArchitectureRecipesAndImpliedTemperature(string path)
    {
        JsonObject card = await (await _client.GetAsync(path, HttpTestExtensions.Cancel)).JsonAsync();

        Assert.Equal("double-well", (string?)card["architecture"]!["kind"]);
        Assert.Equal(0.2, (double)card["recipes"]!["own"]!["impliedTemperature"]!, 9);
        Assert.Equal(1, (double)card["recipes"]!["langevin"]!["impliedTemperature"]!, 9);
        Assert.Equal(0.5, (double)card["metrics"]!["accuracy"]!);
    }

    [Theory]
    [InlineData("/v1/models/nobody", 404, "modelNotFound")]
    [InlineData("/v1/models/digits/versions/2", 404, "versionNotFound")]
    [InlineData("/v1/models/broken", 503, "modelUnavailable")]
    public async Task Get_NotThere_IsAProblem(string path, int status, string code) =>
        await (await _client.GetAsync(path, HttpTestExtensions.Cancel)).ProblemAsync((HttpStatusCode)status, code);
}
