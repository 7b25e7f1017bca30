using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using Xunit;

namespace EbmService.Api.Tests.WholeService;

/// <summary>Queries and jobs through the real engine.</summary>
public sealed class SamplingJobTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    private const string LongJob = """{"model": "wells", "spec": {"chains": 64, "steps": 1000000, "seed": 1}}""";
    private readonly HttpClient _client = service.Client;

    [Fact]
    public async Task Energy_Gaussian_IsTheClosedForm()
    {
        JsonObject answer = await (await _client.PostJsonAsync("/v1/models/bowl/energy", """{"inputs": [[1, 2], [0, 0]], "gradients": true}""")).JsonAsync();

        Assert.Equal(2.5, (double)answer["results"]![0]!["energy"]!, 5);
        Assert.Equal([1.0, 2.0], answer["results"]![0]!["gradient"]!.AsArray().Select(value => Math.Round((double)value!, 5)));
    }

    [Fact]
    public async Task Models_DamagedOne_IsListedAndTheOthersServe()
    {
        JsonArray models = (await (await _client.GetAsync("/v1/models", HttpTestExtensions.Cancel)).JsonAsync())["models"]!.AsArray();

        Assert.Equal(["ready", "unavailable", "ready"], models.OrderBy(model => (string)model!["name"]!, StringComparer.Ordinal).Select(model => (string)model!["state"]!));
        Assert.Equal("ready", (string?)(await (await _client.GetAsync("/health/ready", HttpTestExtensions.Cancel)).JsonAsync())["status"]);
    }

    [Fact]
    public async Task Job_SmallOne_EndsWithAllItsFiles()
    {
        JsonObject job = await _client.RunJobAsync("""{"model": "wells", "spec": {"chains": 20, "steps": 30, "seed": 5, "previewEvery": 10}}""");

        Assert.Equal("succeeded", (string?)job["status"]);
        Assert.Equal(1, (double)job["progress"]!["fraction"]!);
        Assert.Equal(["card.json", "energies.npy", "samples.npy", "samples.png", "trace.json"], job["results"]!.AsArray().Select(result => (string)result!["name"]!).Order(StringComparer.Ordinal));
        byte[] samples = await _client.GetByteArrayAsync($"/v1/jobs/{job["id"]}/results/samples.npy", HttpTestExtensions.Cancel);
        Assert.Equal([20, 2], NpyFormat.Read(samples).Shape);
        JsonNode card = JsonNode.Parse(await _client.GetStringAsync($"/v1/jobs/{job["id"]}/results/card.json", HttpTestExtensions.Cancel))!;
        Assert.Contains((string)job["models"]![0]!["digest"]!, card.ToJsonString());
    }

    [Fact]
    public async Task Job_SameSpecAgain_GivesTheSameBits()
    {
        JsonObject first = await _client.RunJobAsync("""{"model": "bowl", "spec": {"chains": 40, "steps": 25}}""");
        var again = new JsonObject { ["model"] = "bowl", ["spec"] = first["spec"]!.DeepClone() };
        JsonObject second = await _client.RunJobAsync(again.ToJsonString());
        again["spec"]!["seed"] = (long)first["spec"]!["seed"]! ^ 1;
        JsonObject other = await _client.RunJobAsync(again.ToJsonString());

        Assert.Equal(JobClientExtensions.Hash(first, "samples.npy"), JobClientExtensions.Hash(second, "samples.npy"));
        Assert.NotEqual(JobClientExtensions.Hash(first, "samples.npy"), JobClientExtensions.Hash(other, "samples.npy"));
    }

    [Fact]
    public async Task Job_Cancelled_KeepsPartialResultsAndCanBeDeleted()
    {
        string id = (string)(await _client.StartJobAsync(LongJob))["id"]!;
        await Poll.UntilAsync(async () => (int)(await _client.GetJobAsync(id))["progress"]!["done"]! > 0);

        JsonObject asked = await (await _client.PostAsync($"/v1/jobs/{id}/cancel", null, HttpTestExtensions.Cancel)).JsonAsync(HttpStatusCode.Accepted);
        await Poll.UntilAsync(async () => (string?)(await _client.GetJobAsync(id))["status"] == "cancelled");

        Assert.Contains((string?)asked["status"], new[] { "cancelling", "cancelled" });
        Assert.NotEmpty((await _client.GetJobAsync(id))["results"]!.AsArray());
        Assert.Equal(HttpStatusCode.NoContent, (await _client.DeleteAsync($"/v1/jobs/{id}", HttpTestExtensions.Cancel)).StatusCode);
    }

    [Fact]
    public async Task Events_WholeJob_RiseAndEndWithTheTerminalOne()
    {
        string id = (string)(await _client.StartJobAsync("""{"model": "wells", "spec": {"chains": 64, "steps": 2000, "previewEvery": 100}}"""))["id"]!;

        var events = new List<SseItem<string>>();
        Stream stream = await _client.GetStreamAsync($"/v1/jobs/{id}/events", HttpTestExtensions.Cancel);
        await foreach (SseItem<string> item in SseParser.Create(stream).EnumerateAsync(HttpTestExtensions.Cancel))
            events.Add(item);

        long[] sequence = [.. events.Select(item => long.Parse(item.EventId!, System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(sequence.Order().Distinct(), sequence);
        Assert.Equal("succeeded", (string?)JsonNode.Parse(events[^1].Data)!["status"]);
    }

    [Fact]
    public async Task Create_SameIdempotencyKey_IsOneJob()
    {
        async Task<string> PostAsync()
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs") { Content = new StringContent("""{"model": "bowl"}""", null, "application/json") };
            request.Headers.Add("Idempotency-Key", "whole-service");
            JsonNode job = JsonNode.Parse(await (await _client.SendAsync(request, HttpTestExtensions.Cancel)).Content.ReadAsStringAsync(HttpTestExtensions.Cancel))!;
            return (string)job["id"]!;
        }

        Assert.Equal(await PostAsync(), await PostAsync());
    }
}
