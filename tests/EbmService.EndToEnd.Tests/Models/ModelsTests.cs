using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Models;

/// <summary>What one sees first: the models, their cards, Swagger.</summary>
[Collection(ServiceCollection.Name)]
public sealed class ModelsTests(ServiceFixture fixture)
{
    private HttpClient Client => fixture.Client;

    [EndToEndFact]
    public async Task Models_List_HoldsTheBundledModelReady()
    {
        JsonObject list = await Client.GetJsonAsync("/v1/models");

        JsonNode model = Assert.Single(list["models"]!.AsArray(), entry => (string?)entry!["name"] == ServiceHost.Model)!;
        Assert.Equal("ready", (string?)model["state"]);
        Assert.Equal(["classification", "energy", "outOfDistribution", "sampling"], model["tasks"]!.AsArray().Select(task => (string?)task).Order());
        Assert.Equal([1, 28, 28], model["input"]!["shape"]!.AsArray().Select(size => (int)size!));
        Assert.Equal(10, model["labels"]!.AsArray().Count);
    }

    [EndToEndFact]
    public async Task Models_Card_SaysWhatTheModelIs()
    {
        JsonObject card = await Client.GetJsonAsync($"/v1/models/{ServiceHost.Model}");

        Assert.Equal("conv-jem", (string?)card["architecture"]!["kind"]);
        Assert.StartsWith("sha256:", (string?)card["digest"]);
        Assert.NotNull(card["calibrationId"]);
        Assert.True((int)card["bufferSize"]! > 0);
        Assert.Equal("digits", (string?)card["defaultRecipe"]);
        Assert.True((double)card["recipes"]!["digits"]!["impliedTemperature"]! > 0);
    }

    [EndToEndFact]
    public async Task Health_Running_IsLiveAndReady()
    {
        JsonObject ready = await Client.GetJsonAsync("/health/ready");

        Assert.Equal("live", (string?)(await Client.GetJsonAsync("/health/live"))["status"]);
        Assert.True((bool)ready["checks"]!["worker"]!["ready"]!);
        Assert.Empty(ready["checks"]!["models"]!["unavailable"]!.AsArray());
    }

    [EndToEndFact]
    public async Task Swagger_Page_LoadsAndTheDocumentListsTheOperations()
    {
        string page = await Client.GetStringAsync("/", HttpSteps.Cancel);
        string script = await Client.GetStringAsync("/swagger/swagger-ui-bundle.js", HttpSteps.Cancel);
        JsonObject document = await Client.GetJsonAsync("/swagger/v1/swagger.json");

        Assert.Contains("swagger-ui", page, StringComparison.Ordinal);
        Assert.True(script.Length > 100_000);
        string[] operations = [.. document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()).Select(verb => (string)verb.Value!["operationId"]!)];
        string[] expected =
        [
            "ListModels", "GetModel", "Energy", "Classify", "Ood", "CreateJob", "ListJobs", "GetJob", "CancelJob", "PauseJob", "ResumeJob", "ExtendJob", "DeleteJob", "WatchJob",
            "ListResults", "DownloadResult", "Live", "Ready",
        ];
        Assert.Empty(expected.Except(operations));
    }

    [EndToEndFact]
    public async Task Swagger_ExamplesOfJobs_Succeed()
    {
        string folder = Directory.CreateTempSubdirectory("ebm-e2e-examples-").FullName;
        string models = Path.Combine(folder, "models");
        ServiceHost.CopyModels(models);
        await using (ServiceProcess service = await ServiceHost.StartAsync(
            Path.Combine(folder, "data"), ("Models__Path", models), ("Training__Enabled", "true")))
        {
            await ComposeAsync(service.Client);
            await RunExamplesAsync(service.Client);
        }
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A digit that is a three as well as an eight: all that a model can do, a composed one can.</summary>
    private static async Task ComposeAsync(HttpClient client)
    {
        JsonNode request = JsonNode.Parse("""
            {"kind": "composed", "name": "three-and-eight", "terms": [{"model": "mnist-jem", "label": 3}, {"model": "mnist-jem", "weight": 0.5, "label": 8}]}
            """)!;
        JsonObject made = await client.PostJsonAsync("/v1/models", request, System.Net.HttpStatusCode.Created);
        Assert.Equal("composed", (string?)made["architecture"]!["kind"]);

        string id = await client.SubmitAsync(HttpSteps.Spec(4, 5, 3), "three-and-eight");
        Assert.Equal("succeeded", (string?)(await client.WaitForEndAsync(id))["status"]);
        JsonNode scoring = JsonNode.Parse($$"""{"type": "scoring", "model": "three-and-eight", "spec": {"job": {"id": "{{id}}"} } }""")!;
        JsonObject scored = await client.WaitForEndAsync((string)(await client.PostJsonAsync("/v1/jobs", scoring, System.Net.HttpStatusCode.Accepted))["id"]!);
        Assert.True((string?)scored["status"] == "succeeded", scored.ToJsonString());
    }

    private static async Task RunExamplesAsync(HttpClient client)
    {
        JsonObject document = await client.GetJsonAsync("/swagger/v1/swagger.json");
        JsonObject examples = document["paths"]!["/v1/jobs"]!["post"]!["requestBody"]!["content"]!["application/json"]!["examples"]!.AsObject();
        JsonNode more = document["paths"]!["/v1/jobs/{id}/extend"]!["post"]!["requestBody"]!["content"]!["application/json"]!["examples"]!["more"]!["value"]!;
        var ids = new Dictionary<string, string>();
        foreach ((string name, JsonNode? example) in examples)
            ids[name] = (string)(await client.PostJsonAsync("/v1/jobs", example!["value"]!, System.Net.HttpStatusCode.Accepted))["id"]!;

        foreach ((string name, string id) in ids)
        {
            JsonObject job = await client.WaitForEndAsync(id);
            Assert.True((string?)job["status"] == "succeeded", $"{name}: {job.ToJsonString()}");
        }
        JsonObject longer = await client.WaitForEndAsync((string)(await client.MoveAsync(ids["moons"], "extend", more))["id"]!);
        Assert.Equal(("succeeded", ids["moons"]), ((string?)longer["status"], (string?)longer["extends"]));
        Assert.Equal("untilEss", (string?)(await client.GetJobAsync(ids["hmc"]))["stopReason"]);
    }
}
