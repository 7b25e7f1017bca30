using System.Net;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.WholeService;

/// <summary>What the dashboard asks for beside jobs and models, of the real engine.</summary>
public sealed class MonitorTests(ServiceFixture service) : IClassFixture<ServiceFixture>
{
    private const string Endless = """{"model": "wells", "spec": {"chains": 8, "steps": 1000000, "seed": 1, "previewEvery": 1, "warmup": 10}, "priority": 3}""";
    private readonly HttpClient _client = service.Client;

    [Fact]
    public async Task Service_WhileAJobRuns_NamesItAndItsRate()
    {
        string id = (string)(await _client.StartJobAsync(Endless))["id"]!;
        JsonObject seen = await UntilAsync("/v1/service", answer =>
            answer["rates"]!["chainStepsPerSecond"]!.AsArray().Any(rate => (double)rate! > 0)
            && answer["slots"]!.AsArray().Any(slot => (string?)slot!["jobId"] == id && (double)slot["busyShare"]! > 0));
        await _client.PostJsonAsync($"/v1/jobs/{id}/cancel", "");

        Assert.Equal("cpu", (string?)seen["device"]);
        Assert.Equal(1, (int)seen["queue"]!["running"]!);
        Assert.Equal(2, (double)seen["rates"]!["intervalSeconds"]!);
        Assert.Contains(seen["slots"]!.AsArray(), slot => (string?)slot!["work"] == "job" && slot["openJobs"]!.AsArray().Any(open => (string?)open == id));
    }

    [Fact]
    public async Task Trace_OfARunningJob_HasEveryChainAndTheirMean()
    {
        string id = (string)(await _client.StartJobAsync(Endless))["id"]!;
        JsonObject trace = await UntilAsync($"/v1/jobs/{id}/trace", answer => answer["steps"]!.AsArray().Count > 3);
        JsonObject preview = await UntilAsync($"/v1/jobs/{id}/preview", answer => answer["step"] is not null);
        await _client.PostJsonAsync($"/v1/jobs/{id}/cancel", "");

        int[] steps = [.. trace["steps"]!.AsArray().Select(step => (int)step!)];
        Assert.True(steps[0] > 10 && steps.SequenceEqual(steps.Order().Distinct()) && steps[^1] <= (int)trace["step"]!);
        Assert.Equal(["energy", "gradientNorm"], trace["quantities"]!.AsArray().Select(quantity => (string)quantity!["name"]!));
        foreach (JsonNode? quantity in trace["quantities"]!.AsArray())
        {
            JsonArray chains = quantity!["chains"]!.AsArray();
            Assert.Equal(8, chains.Count);
            for (int point = 0; point < steps.Length; point++)
            {
                double[] values = [.. chains.Select(chain => (double)chain![point]!)];
                Assert.Equal(values.Average(), (double)quantity["mean"]![point]!, 3);
                double deviation = Math.Sqrt(values.Average(value => Math.Pow(value - values.Average(), 2)));
                Assert.Equal(deviation, (double)quantity["standardDeviation"]![point]!, 3);
            }
        }
        Assert.Equal([8, 2], preview["rows"]!["shape"]!.AsArray().Select(size => (int)size!));
        Assert.True((int)preview["step"]! > 0);
    }

    [Fact]
    public async Task Trace_OfAnEndedJob_HasNoPoints()
    {
        string id = (string)(await _client.RunJobAsync("""{"model": "bowl", "spec": {"chains": 2, "steps": 5}}"""))["id"]!;

        JsonObject trace = await (await _client.GetAsync($"/v1/jobs/{id}/trace", HttpTestExtensions.Cancel)).JsonAsync();
        JsonObject preview = await (await _client.GetAsync($"/v1/jobs/{id}/preview", HttpTestExtensions.Cancel)).JsonAsync();
        Assert.Empty(trace["steps"]!.AsArray());
        Assert.Null(preview["step"]);
        await (await _client.GetAsync("/v1/jobs/0123456789abcdef0123456789abcdef/trace", HttpTestExtensions.Cancel)).ProblemAsync(HttpStatusCode.NotFound, "jobNotFound");
    }

    [Fact]
    public async Task Pictures_OfAModelWithNone_AreNone()
    {
        JsonObject listed = await (await _client.GetAsync("/v1/models/bowl/pictures", HttpTestExtensions.Cancel)).JsonAsync();

        Assert.Empty(listed["pictures"]!.AsArray());
        foreach (string name in new[] { "none.png", "..%2f1%2fversion.json", "model.json" })
            await (await _client.GetAsync($"/v1/models/bowl/pictures/{name}", HttpTestExtensions.Cancel)).ProblemAsync(HttpStatusCode.NotFound, "resultNotFound");
        await (await _client.GetAsync("/v1/models/none/pictures", HttpTestExtensions.Cancel)).ProblemAsync(HttpStatusCode.NotFound, "modelNotFound");
    }

    private async Task<JsonObject> UntilAsync(string path, Func<JsonObject, bool> condition)
    {
        while (true)
        {
            HttpResponseMessage answer = await _client.GetAsync(path, HttpTestExtensions.Cancel);
            if (answer.StatusCode == HttpStatusCode.OK && await answer.JsonAsync() is var found && condition(found))
                return found;
            await Task.Delay(50, HttpTestExtensions.Cancel);
        }
    }
}
