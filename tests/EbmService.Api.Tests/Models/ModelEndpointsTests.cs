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

        Assert.Equal(["digits", "moons", "lattice", "ring", "deep", "broken"], models.Select(model => (string)model!["name"]!));
        Assert.Equal("[1,4,4]", models[0]!["input"]!["shape"]!.ToJsonString());
        Assert.Equal("""["zero","one","two"]""", models[0]!["labels"]!.ToJsonString());
        Assert.Contains("classification", models[0]!["tasks"]!.AsArray().Select(task => (string)task!));
        Assert.Equal("unavailable", (string?)models[5]!["state"]);
        Assert.Equal("version.json is missing", (string?)models[5]!["versions"]![0]!["reason"]);
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
        Assert.Equal("[1,4,4]", card["visibleShape"]!.ToJsonString());
        Assert.Equal("[]", card["latents"]!.ToJsonString());
    }

    [Fact]
    public async Task Get_CardOfAModelWithLatents_SaysWhatIsWhereInARow()
    {
        JsonObject card = await (await _client.GetAsync("/v1/models/deep", HttpTestExtensions.Cancel)).JsonAsync();

        Assert.Equal("[1,2,2]", card["visibleShape"]!.ToJsonString());
        Assert.Equal("""[{"name":"h1","offset":4,"length":3},{"name":"h2","offset":7,"length":2}]""", card["latents"]!.ToJsonString());
    }

    [Theory]
    [InlineData("/v1/models/nobody", 404, "modelNotFound")]
    [InlineData("/v1/models/digits/versions/2", 404, "versionNotFound")]
    [InlineData("/v1/models/broken", 503, "modelUnavailable")]
    public async Task Get_NotThere_IsAProblem(string path, int status, string code) =>
        await (await _client.GetAsync(path, HttpTestExtensions.Cancel)).ProblemAsync((HttpStatusCode)status, code);
}
