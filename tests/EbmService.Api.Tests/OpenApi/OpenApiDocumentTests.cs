using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.OpenApi;

/// <summary>
/// The committed document is the one that is served. After a wanted change regenerate it:
/// <c>EBM_UPDATE_OPENAPI=1 dotnet test -c Release tests/EbmService.Api.Tests --filter OpenApi</c>.
/// </summary>
public sealed class OpenApiDocumentTests(ApiFactory factory) : IClassFixture<ApiFactory>
{
    private readonly HttpClient _client = factory.CreateClient();

    [Fact]
    public async Task Document_Served_IsTheCommittedOne()
    {
        string served = (await ServedAsync()).ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
        string path = Path.Combine(RepositoryRoot(), "docs", "openapi.v1.json");
        if (Environment.GetEnvironmentVariable("EBM_UPDATE_OPENAPI") == "1")
            await File.WriteAllTextAsync(path, served, HttpTestExtensions.Cancel);

        string committed = File.Exists(path) ? await File.ReadAllTextAsync(path, HttpTestExtensions.Cancel) : "";

        Assert.True(served == committed,
            "docs/openapi.v1.json differs from what is served: run the tests with EBM_UPDATE_OPENAPI=1 and look at the difference.");
    }

    [Fact]
    public async Task Document_EveryOperation_HasSummaryTagsAndErrors()
    {
        foreach ((string path, string method, JsonObject operation) in Operations(await ServedAsync()))
        {
            Assert.False(string.IsNullOrEmpty((string?)operation["summary"]), $"{method} {path} has no summary");
            Assert.NotEmpty(operation["tags"]!.AsArray());
            bool canFail = path.Contains('{', StringComparison.Ordinal) || method == "post";
            if (canFail)
                Assert.Contains(operation["responses"]!.AsObject(), response => response.Key.StartsWith('4'));
        }
    }

    [Fact]
    public async Task Document_OperationsOnAJob_NameABusyDatabase()
    {
        (string Path, string Method, JsonObject Operation)[] onJobs =
            [.. Operations(await ServedAsync()).Where(one => one.Path.StartsWith("/v1/jobs", StringComparison.Ordinal))];

        Assert.True(onJobs.Length >= 11);
        Assert.All(onJobs, one => Assert.Contains("Another program holds the job database.", Unavailable(one.Operation)));
    }

    [Theory]
    [InlineData("CreateJob")]
    [InlineData("ResumeJob")]
    [InlineData("ExtendJob")]
    [InlineData("Energy")]
    [InlineData("GetModel")]
    public async Task Document_OperationsThatNeedAModel_NameOneThatIsAway(string name)
    {
        JsonObject operation = Operations(await ServedAsync()).Single(one => (string?)one.Operation["operationId"] == name).Operation;

        Assert.Contains("The model is unavailable.", Unavailable(operation));
    }

    /// <summary>What is true of one type alone stands in that type's schemas and examples.</summary>
    [Fact]
    public async Task Document_OperationsOfAnyJobType_HaveNoWordsOfSampling()
    {
        foreach ((string path, string method, JsonObject operation) in Operations(await ServedAsync())
            .Where(one => one.Path.StartsWith("/v1/jobs", StringComparison.Ordinal)))
        {
            string text = operation["summary"] + " " + operation["description"] + " " + operation["responses"]!.ToJsonString();
            Assert.False(text.Contains("chain", StringComparison.OrdinalIgnoreCase) || text.Contains("samples.", StringComparison.Ordinal),
                $"{method} {path}: {text}");
        }
    }

    [Fact]
    public async Task Document_EveryExample_IsUnderstood()
    {
        int tried = 0;
        foreach ((string path, string method, JsonObject operation) in Operations(await ServedAsync()))
        {
            foreach ((_, JsonNode? example) in operation["requestBody"]?["content"]?["application/json"]?["examples"]?.AsObject() ?? [])
            {
                var content = new StringContent(example!["value"]!.ToJsonString(), Encoding.UTF8, "application/json");
                HttpResponseMessage response = await _client.PostAsync(
                    path.Replace("{model}", "moons").Replace("{version}", "1"), content, HttpTestExtensions.Cancel);
                JsonNode? problem = JsonNode.Parse(await response.Content.ReadAsStringAsync(HttpTestExtensions.Cancel));
                // The fakes host other models; but no example may hold a member or a form that isn't known.
                string errors = problem?["errors"]?.ToJsonString() ?? "";
                bool otherModels = errors.Contains("of shape", StringComparison.Ordinal) || errors.Contains("There is no model", StringComparison.Ordinal);
                Assert.True(errors is "" || otherModels, $"{method} {path}: {errors}");
                tried++;
            }
        }
        Assert.True(tried >= 16, $"only {tried} examples");
    }

    [Fact]
    public async Task Document_Schemas_SayWhatMayBeSent()
    {
        JsonNode schemas = (await ServedAsync())["components"]!["schemas"]!;

        Assert.Equal(2, schemas["TensorPayload"]!["oneOf"]!.AsArray().Count);
        Assert.Contains("`hmc`: Hamiltonian Monte Carlo", (string?)schemas["SamplingKernel"]!["description"]);
        Assert.All(schemas["SamplingRequest"]!["properties"]!.AsObject().Where(member => member.Value!["type"] is not null),
            member => Assert.False(string.IsNullOrEmpty((string?)member.Value!["description"]), member.Key));
        // What has a default may be left out of a request.
        Assert.Null(schemas["HmcSettings"]!["required"]);
        Assert.Equal(["mask", "values"], schemas["HeldPart"]!["required"]!.AsArray().Select(name => (string)name!));
    }

    [Theory]
    [InlineData("/swagger/index.html", HttpStatusCode.OK)]
    [InlineData("/swagger/v1/swagger.json", HttpStatusCode.OK)]
    public async Task Swagger_IsServed(string path, HttpStatusCode expected) =>
        Assert.Equal(expected, (await _client.GetAsync(path, HttpTestExtensions.Cancel)).StatusCode);

    [Fact]
    public async Task Root_RedirectsToSwagger()
    {
        using HttpClient client = factory.CreateClient(new() { AllowAutoRedirect = false });

        Assert.Equal("/swagger", (await client.GetAsync("/", HttpTestExtensions.Cancel)).Headers.Location?.ToString());
    }

    private async Task<JsonObject> ServedAsync() =>
        await (await _client.GetAsync("/swagger/v1/swagger.json", HttpTestExtensions.Cancel)).JsonAsync();

    private static string? Unavailable(JsonObject operation) => (string?)operation["responses"]!["503"]?["description"];

    private static IEnumerable<(string Path, string Method, JsonObject Operation)> Operations(JsonObject document) =>
        from path in document["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select (path.Key, operation.Key, operation.Value!.AsObject());

    private static string RepositoryRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "EbmService.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The tests run outside the repository.");
    }
}
