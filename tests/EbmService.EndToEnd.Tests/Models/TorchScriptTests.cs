using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Models;

/// <summary>A network in TorchScript on the real service: while it is not allowed, and while it is.</summary>
public sealed class TorchScriptTests : IDisposable
{
    private const string Name = "scripted";
    private const string Other = "ising-lattice";
    private readonly string _root = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;

    public TorchScriptTests()
    {
        byte[] module = File.ReadAllBytes(Path.Combine(ServiceHost.Fixtures, "torchscript", "classifier.pt"));
        Directory.CreateDirectory(PathOf("models", Name, "1"));
        File.WriteAllBytes(PathOf("models", Name, "1", "model.pt"), module);
        File.WriteAllText(PathOf("models", Name, "model.json"), $$"""
            {
              "name": "{{Name}}", "title": "Test",
              "architecture": { "kind": "torchscript", "output": "logits", "classes": 4, "bfloat16": true },
              "input": { "kind": "image", "shape": [1, 8, 8], "min": -1, "max": 1 },
              "labels": ["a", "b", "c", "d"],
              "recipes": { "short": { "steps": 60, "stepSize": 0.1, "noise": 0.01 } },
              "defaultRecipe": "short"
            }
            """);
        File.WriteAllText(PathOf("models", Name, "1", "version.json"),
            $$"""{ "version": "1", "files": { "model.pt": "{{Convert.ToHexString(SHA256.HashData(module))}}" } }""");
        // A service without any ready model is not ready itself.
        Directory.CreateDirectory(PathOf("models", Other, "1"));
        foreach (string file in (string[])["model.json", "1/version.json"])
            File.Copy(ServiceHost.PathOf("deploy", "models", Other, file), PathOf("models", Other, file));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [EndToEndFact]
    public async Task Energy_WhileNotAllowed_IsRefusedWithTheSettingAndTheServiceGoesOn()
    {
        await using ServiceProcess service = await StartAsync(allow: false);

        JsonObject problem = await service.Client.PostJsonAsync(
            $"/v1/models/{Name}/energy", Inputs(), HttpStatusCode.ServiceUnavailable);

        Assert.Equal("modelUnavailable", (string?)problem["code"]);
        Assert.Contains("Models:AllowTorchScript", (string?)problem["detail"]);
        Assert.Equal("live", (string?)(await service.Client.GetJsonAsync("/health/live"))["status"]);
    }

    /// <summary>Blocks of 32 and 8 rows in two precisions: both slots make their first calls of the module at once.</summary>
    [SoakFact]
    public async Task Samples_TwoFreshProcesses_HaveTheSameBits()
    {
        string[] once = await HashesAsync(), again = await HashesAsync();

        Assert.Equal(once, again);
        Assert.Distinct(once);
    }

    private async Task<string[]> HashesAsync()
    {
        await using ServiceProcess service = await StartAsync(allow: true);
        var ids = new List<string>();
        foreach (string precision in (string[])["float32", "bfloat16"])
        {
            JsonObject spec = HttpSteps.Spec(40, 60, 11);
            spec["blockSize"] = 32;
            spec["precision"] = precision;
            ids.Add(await service.Client.SubmitAsync(spec, Name));
        }
        JsonObject answer = await service.Client.PostJsonAsync($"/v1/models/{Name}/energy", Inputs());
        var hashes = new List<string> { answer["results"]!.ToJsonString() };
        foreach (string id in ids)
        {
            Assert.Equal("succeeded", (string?)(await service.Client.WaitForEndAsync(id))["status"]);
            hashes.Add(await service.Client.HashOfResultAsync(id, "samples.npy"));
        }
        return [.. hashes];
    }

    private Task<ServiceProcess> StartAsync(bool allow)
    {
        string data = Directory.CreateDirectory(PathOf($"data-{Guid.NewGuid():N}")).FullName;
        return ServiceHost.StartAsync(data, ("Models__Path", PathOf("models")), ("Models__AllowTorchScript", allow ? "true" : "false"));
    }

    private static JsonObject Inputs() => new()
    {
        ["inputs"] = new JsonArray([.. Enumerable.Range(0, 3).Select(row => new JsonArray(new JsonArray(
            [.. Enumerable.Range(0, 8).Select(line => new JsonArray([.. Enumerable.Range(0, 8).Select(column => (JsonNode)((row + line - column) / 10.0))]))])))]),
        ["gradients"] = true,
    };

    private string PathOf(params string[] parts) => Path.Combine([_root, .. parts]);
}
