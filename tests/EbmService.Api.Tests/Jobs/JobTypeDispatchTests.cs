using System.Net;
using System.Text.Json.Nodes;
using EbmService.Core.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace EbmService.Api.Tests.Jobs;

public sealed class JobTypeDispatchTests(ApiFactory factory) : IClassFixture<ApiFactory>
{
    private readonly HttpClient _client = factory.CreateClient();

    [Theory]
    [InlineData("""{"model": "moons", "type": "sample"}""", "type", "no job type 'sample'. Known: sampling")]
    [InlineData("""{"model": "moons", "type": 3}""", "type", "text in double quotes")]
    [InlineData("""{"model": "moons", "models": [{"name": "moons"}]}""", "model", "exclude each other")]
    [InlineData("""{"models": [{"role": "reference", "name": "moons"}]}""", "models[0].role", "has no role 'reference'. Its roles: model")]
    [InlineData("""{"models": [{"name": "moons"}, {"name": "digits"}]}""", "models", "one model for the role 'model'")]
    [InlineData("""{"models": [{"name": "moons", "digest": "sha256:00"}]}""", "models", "The digest of 'moons/1' is sha256:aaaa")]
    public async Task Create_WrongTypeOrModels_SaysWhatWouldBeRight(string body, string field, string text)
    {
        JsonObject problem = await (await _client.PostJsonAsync("/v1/jobs", body)).JsonAsync(HttpStatusCode.BadRequest);

        Assert.Contains(text, problem["errors"]![field]!.ToJsonString().Replace("\\u0027", "'").Replace("\\u0022", "\""),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model": "moons"}""")]
    [InlineData("""{"type": "sampling", "models": [{"name": "moons"}]}""")]
    [InlineData("""{"spec": {}, "models": [{"role": "model", "name": "moons", "version": "1"}], "type": "sampling"}""")]
    public async Task Create_ModelInAnyForm_IsShownByRole(string body)
    {
        JsonObject job = await (await _client.PostJsonAsync("/v1/jobs", body)).JsonAsync(HttpStatusCode.Accepted);

        JsonNode model = Assert.Single(job["models"]!.AsArray())!;
        Assert.Equal(("sampling", "model", "moons", "1"),
            ((string?)job["type"], (string?)model["role"], (string?)model["name"], (string?)model["version"]));
        // A job's models sent again name the same.
        Assert.Equal(HttpStatusCode.Accepted,
            (await _client.PostJsonAsync("/v1/jobs", new JsonObject { ["models"] = job["models"]!.DeepClone() }.ToJsonString()))
                .StatusCode);
    }

    [Fact]
    public async Task List_UnknownType_NamesTheKnownOnes()
    {
        JsonObject problem = await (await _client.GetAsync("/v1/jobs?type=sample", HttpTestExtensions.Cancel))
            .JsonAsync(HttpStatusCode.BadRequest);

        Assert.Contains("Must be one of: sampling", problem["errors"]!["type"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await _client.GetAsync("/v1/jobs?type=Sampling", HttpTestExtensions.Cancel)).StatusCode);
    }

    [Fact]
    public async Task Document_OfEveryType_HasRequestSpecMetricsAndExamples()
    {
        JsonNode document = await (await _client.GetAsync("/swagger/v1/swagger.json", HttpTestExtensions.Cancel)).JsonAsync();
        JsonNode body = document["paths"]!["/v1/jobs"]!["post"]!["requestBody"]!["content"]!["application/json"]!;
        JsonNode schemas = document["components"]!["schemas"]!;

        IReadOnlyList<IJobType> types = factory.Services.GetRequiredService<JobTypeRegistry>().All;
        Assert.Equal(types.Count, body["schema"]!["oneOf"]!.AsArray().Count);
        Assert.Equal(types.Count, schemas["JobSpec"]!["oneOf"]!.AsArray().Count);
        foreach (JobTypeDescription type in types.Select(type => type.Description))
        {
            Assert.NotNull(schemas[type.Spec.Name]!["properties"]);
            Assert.NotNull(schemas[type.Request.Name]!["properties"]);
            JsonObject metrics = schemas[$"{char.ToUpperInvariant(type.Name[0])}{type.Name[1..]}Metrics"]!["properties"]!.AsObject();
            Assert.Equal(type.Metrics.Select(metric => metric.Name), metrics.Select(metric => metric.Key));
            Assert.All(type.Examples, example => Assert.NotNull(body["examples"]![example.Name]));
        }
    }
}
