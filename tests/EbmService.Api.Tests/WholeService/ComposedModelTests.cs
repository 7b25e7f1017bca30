using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.WholeService;

/// <summary>POST /v1/models, and what every operation makes of the model.</summary>
public sealed class ComposedModelTests : IAsyncDisposable
{
    private const string Sharp = """
        {"name": "sharp", "kind": "composed", "terms": [{"model": "bowl", "weight": 2}, {"model": "bowl", "weight": 1}, {"model": "wells", "weight": 0.5}]}
        """;

    private readonly ServiceFolder _folder = new();
    private readonly ServiceFactory _factory;
    private readonly HttpClient _client;

    public ComposedModelTests()
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
    public async Task Compose_Product_IsServedAtOnceAndAfterARestart()
    {
        HttpResponseMessage response = await _client.PostJsonAsync("/v1/models", Sharp);
        JsonObject card = await response.JsonAsync(HttpStatusCode.Created);

        Assert.Equal("/v1/models/sharp/versions/1", response.Headers.Location?.ToString());
        Assert.Equal(("sharp", "ready", "composed"), ((string?)card["name"], (string?)card["state"], (string?)card["architecture"]!["kind"]));
        Assert.Equal("bowl", (string?)card["architecture"]!["parts"]![0]!["source"]!["name"]);
        double bowl = await EnergyAsync(_client, "bowl"), wells = await EnergyAsync(_client, "wells");
        Assert.Equal(3 * bowl + 0.5 * wells, await EnergyAsync(_client, "sharp"), 10);
        await (await _client.PostJsonAsync("/v1/models", Sharp)).ProblemAsync(HttpStatusCode.Conflict, "versionExists");

        await _factory.DisposeAsync();
        await using var restarted = new ServiceFactory(_folder);
        using HttpClient again = restarted.CreateClient();
        Assert.Equal(3 * bowl + 0.5 * wells, await EnergyAsync(again, "sharp"), 10);
    }

    [Fact]
    public async Task Compose_Refused_NamesTheMember()
    {
        Assert.Contains("nobody", await FaultAsync("""{"name": "x", "terms": [{"model": "bowl"}, {"model": "nobody"}]}""", "terms[1].model"));
        await FaultAsync("""{"name": "x", "terms": []}""", "terms");
        await FaultAsync("""{"name": "x"}""", "terms");
        await FaultAsync("""{"name": "x", "terms": [{"model": "bowl", "weight": 0}]}""", "terms[0].weight");
        await FaultAsync("""{"name": "x", "terms": [{"model": "bowl", "weight": 1e999}]}""", "terms[0].weight");
        await FaultAsync("""{"name": "x", "combine": "mixture", "terms": [{"model": "bowl", "weight": -1}]}""", "terms[0].weight");
        await FaultAsync("""{"name": "x", "combine": "sum", "terms": [{"model": "bowl"}]}""", "combine");
        await FaultAsync("""{"name": "../x", "terms": [{"model": "bowl"}]}""", "name");
        await FaultAsync("""{"name": "x", "terms": [{"model": "bowl", "wieght": 1}]}""", "terms[0].wieght");
        Assert.False(Directory.Exists(Path.Combine(_folder.Models, "x")));
    }

    [Fact]
    public async Task Compose_NotAllowed_Is403AndNamesTheSetting()
    {
        using var folder = new ServiceFolder();
        await using var factory = new ServiceFactory(folder, ("Models:AllowComposition", "false"));
        using HttpClient client = factory.CreateClient();

        JsonObject problem = await (await client.PostJsonAsync("/v1/models", Sharp)).ProblemAsync(HttpStatusCode.Forbidden, "notAllowed");

        Assert.Contains("Models:AllowComposition", (string?)problem["remedy"]);
    }

    private static async Task<double> EnergyAsync(HttpClient client, string model)
    {
        JsonObject answer = await (await client.PostJsonAsync($"/v1/models/{model}/energy", """{"inputs": [[1, 2]]}""")).JsonAsync();
        return (double)answer["results"]![0]!["energy"]!;
    }

    private async Task<string> FaultAsync(string json, string field) => await (await _client.PostJsonAsync("/v1/models", json)).FieldErrorAsync(field);
}
