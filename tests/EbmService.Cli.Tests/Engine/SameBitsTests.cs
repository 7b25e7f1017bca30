using System.Net.Http.Json;
using System.Text.Json.Nodes;
using EbmService.Api.Limits;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;

namespace EbmService.Cli.Tests.Engine;

/// <summary><c>ebm sample</c> and a job of the service give the same files: the service in this process, nothing of it replaced but the network.</summary>
public sealed class SameBitsTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    [Theory]
    [InlineData("two-moons", """{"chains": 20, "steps": 200, "seed": 41, "blockSize": 8}""")]
    [InlineData("two-moons", """{"chains": 20, "steps": 200, "seed": 41, "blockSize": 8, "kernel": "hmc", "warmup": 50, "thin": 10}""")]
    [InlineData("two-moons", """{"chains": 12, "steps": 100, "seed": 3, "kernel": "mala", "tempering": {"temperatures": [1, 2, 4], "swapEvery": 5}}""")]
    [InlineData("two-moons", """{"chains": 16, "steps": 3000, "seed": 5, "kernel": "hmc", "warmup": 40, "stop": {"untilEss": 100, "checkEvery": 20}}""")]
    [InlineData("ising-lattice", """{"chains": 20, "steps": 100, "seed": 7}""")]
    [InlineData("mnist-rbm", """{"chains": 20, "steps": 10, "seed": 7, "blockSize": 8, "tempering": {"temperatures": [1, 1.2, 1.5], "swapEvery": 2}}""")]
    [InlineData("mnist-jem", """{"chains": 20, "steps": 5, "seed": 9, "labels": [0, 1, 2, 3]}""")]
    public async Task Sample_AnySpec_GivesTheFilesOfTheServicesJob(string model, string spec)
    {
        await using var service = new Service(_bed.PathOf("data"));
        HttpClient client = service.CreateClient();
        await File.WriteAllTextAsync(_bed.PathOf("spec.json"), spec, Cancel);

        Assert.Equal(ExitCode.Ok, await _bed.RunAsync("sample", CliTestBed.Bundled(model), "--spec", _bed.PathOf("spec.json"), "--out", _bed.PathOf("here")));
        JsonNode job = await RunAsync(client, $$"""{"type": "sampling", "model": "{{model}}", "spec": {{spec}}}""");

        string[] names = [.. job["results"]!.AsArray().Select(result => (string)result!["name"]!)];
        Assert.Equal(names.Order(), Directory.GetFiles(_bed.PathOf("here")).Select(path => Path.GetFileName(path)).Order());
        foreach (string name in names)
        {
            byte[] there = await client.GetByteArrayAsync($"/v1/jobs/{job["id"]}/results/{name}", Cancel);
            Assert.True(there.AsSpan().SequenceEqual(File.ReadAllBytes(_bed.PathOf("here", name))), $"{name} differs");
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<JsonNode> RunAsync(HttpClient client, string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs") { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Add("Prefer", "wait=30");
        JsonNode job = (await (await client.SendAsync(request, Cancel)).Content.ReadFromJsonAsync<JsonNode>(Cancel))!;
        Assert.True((string?)job["status"] == "succeeded", job.ToJsonString());
        return job;
    }

    public void Dispose() => _bed.Dispose();

    /// <summary>Any public type of the service names it; both programs have a Program.</summary>
    private sealed class Service(string dataFolder) : WebApplicationFactory<LimitsOptions>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseSetting("Models:Path", CliTestBed.Bundled(""));
            builder.UseSetting("Storage:DataPath", dataFolder);
        }
    }
}
