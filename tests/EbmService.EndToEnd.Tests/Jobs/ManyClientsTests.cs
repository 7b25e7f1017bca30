using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Jobs;

/// <summary>
/// 64 clients at once submit, pause, resume, cancel and delete: no 5xx, nothing stuck, nothing lost. Some seconds, a minute
/// where EBM_TEST_SOAK is 1. Each client keeps to its own jobs, so that it knows what its last accepted wish was.
/// </summary>
public sealed class ManyClientsTests : IDisposable
{
    private const int Clients = 64;
    private const string Model = "two-moons";

    /// <summary>Fewer in all than the queue takes: nobody has to be sent away.</summary>
    private const int JobsPerClient = 12;

    private static readonly TimeSpan Time =
        TimeSpan.FromSeconds(Environment.GetEnvironmentVariable(SoakFactAttribute.Variable) == "1" ? 60 : 8);

    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;
    private readonly ConcurrentBag<OwnJob> _jobs = [];
    private readonly ConcurrentDictionary<string, int> _answers = new();
    private readonly ConcurrentDictionary<string, string> _samples = new();

    private enum Wish
    {
        None,
        Paused,
        Cancelled,
        Deleted,
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [SoakFact]
    public async Task SubmitPauseResumeCancelDelete_AllAtOnce_NothingIsStuckOrLost()
    {
        await using ServiceProcess service = await ServiceHost.StartAsync(_data);
        long began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(
            client => Task.Run(() => LiveAsync(service.Client, new Random(client), began))));
        Report();

        await AssertListedAsync(service.Client);
        await Parallel.ForEachAsync(_jobs, new ParallelOptions { MaxDegreeOfParallelism = Clients, CancellationToken = HttpSteps.Cancel },
            async (job, _) => await CheckAsync(service.Client, job));
        using HttpResponseMessage ready = await service.Client.GetAsync("/health/ready", HttpSteps.Cancel);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
    }

    private async Task LiveAsync(HttpClient client, Random random, long began)
    {
        List<OwnJob> mine = [];
        while (Stopwatch.GetElapsedTime(began) < Time)
        {
            if (mine.Count == 0 || (mine.Count < JobsPerClient && random.Next(4) == 0))
                mine.Add(await SubmitAsync(client, random));
            else
                await ActAsync(client, random, mine);
        }
    }

    private async Task<OwnJob> SubmitAsync(HttpClient client, Random random)
    {
        // Few specs in all: those that succeed must agree, whatever happened to each on the way.
        int seed = random.Next(8);
        JsonObject spec = HttpSteps.Spec(chains: 8 + 8 * (seed % 3), steps: 20 << (seed % 5), seed);
        spec["blockSize"] = 8;
        JsonObject made = (await CallAsync(client, "submit", HttpMethod.Post, "/v1/jobs", HttpSteps.Body(spec, Model), 202))!;
        var job = new OwnJob((string)made["id"]!, spec.ToJsonString());
        _jobs.Add(job);
        return job;
    }

    private async Task ActAsync(HttpClient client, Random random, List<OwnJob> mine)
    {
        OwnJob job = mine[random.Next(mine.Count)];
        switch (random.Next(5))
        {
            case 0:
                JsonObject? paused = await MoveAsync(client, job, "pause");
                if ((string?)paused?["status"] == "paused" && job.Wish == Wish.None)
                    job.Wish = Wish.Paused;
                break;
            case 1:
                // A job that is about to be cancelled stays so.
                if (await MoveAsync(client, job, "resume") is not null && job.Wish == Wish.Paused)
                    job.Wish = Wish.None;
                break;
            case 2:
                if (await MoveAsync(client, job, "cancel") is not null)
                    job.Wish = Wish.Cancelled;
                break;
            case 3:
                if (await CallAsync(client, "delete", HttpMethod.Delete, $"/v1/jobs/{job.Id}", null, 204, 409) is null)
                    break;
                job.Wish = Wish.Deleted;
                mine.Remove(job);
                break;
            default:
                await CallAsync(client, "get", HttpMethod.Get, $"/v1/jobs/{job.Id}", null, 200);
                break;
        }
    }

    /// <returns>The job; null where its state did not allow it.</returns>
    private Task<JsonObject?> MoveAsync(HttpClient client, OwnJob job, string verb) =>
        CallAsync(client, verb, HttpMethod.Post, $"/v1/jobs/{job.Id}/{verb}", null, 202, 409);

    /// <returns>The body of the first of the expected answers, empty where it has none; null for the other one.</returns>
    private async Task<JsonObject?> CallAsync(
        HttpClient client, string call, HttpMethod method, string path, JsonObject? body, params int[] expected)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await client.SendAsync(request, HttpSteps.Cancel);
        string text = await answer.Content.ReadAsStringAsync(HttpSteps.Cancel);
        int status = (int)answer.StatusCode;
        _answers.AddOrUpdate($"{call} {status}", 1, (_, count) => count + 1);
        Assert.True(expected.Contains(status), $"{call} {path}: {status} {text}");
        return status != expected[0] ? null : text.Length == 0 ? [] : JsonNode.Parse(text)!.AsObject();
    }

    private async Task AssertListedAsync(HttpClient client)
    {
        var listed = new List<string>();
        string? cursor = null;
        do
        {
            string from = cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}";
            JsonObject page = await client.GetJsonAsync($"/v1/jobs?limit=200{from}");
            listed.AddRange(page["jobs"]!.AsArray().Select(job => (string)job!["id"]!));
            cursor = (string?)page["nextCursor"];
        }
        while (cursor is not null);
        Assert.Equal(_jobs.Where(job => job.Wish != Wish.Deleted).Select(job => job.Id).Order(), listed.Order());
    }

    private async Task CheckAsync(HttpClient client, OwnJob job)
    {
        if (job.Wish == Wish.Deleted)
        {
            using HttpResponseMessage gone = await client.GetAsync($"/v1/jobs/{job.Id}", HttpSteps.Cancel);
            Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
            return;
        }
        if (job.Wish == Wish.Paused)
            Assert.Equal("paused", (string?)(await client.GetJobAsync(job.Id))["status"]);
        if (job.Wish != Wish.Cancelled)
            await MoveAsync(client, job, "resume");
        JsonObject end = await client.WaitForEndAsync(job.Id);
        Assert.Equal(job.Wish == Wish.Cancelled ? "cancelled" : "succeeded", (string?)end["status"]);
        if (job.Wish == Wish.Cancelled)
            return;
        string samples = (string)end["results"]!.AsArray().Single(result => (string?)result!["name"] == "samples.npy")!["sha256"]!;
        Assert.Equal(_samples.GetOrAdd(job.Spec, samples), samples);
    }

    private void Report()
    {
        string answers = Join(_answers.OrderBy(answer => answer.Key, StringComparer.Ordinal));
        string wishes = Join(_jobs.CountBy(job => job.Wish).OrderBy(wish => wish.Key));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{_answers.Values.Sum()} calls ({answers}); {_jobs.Count} jobs, by last wish {wishes}");
    }

    private static string Join<T>(IEnumerable<KeyValuePair<T, int>> counts) =>
        string.Join(", ", counts.Select(count => $"{count.Key}: {count.Value}"));

    /// <summary>A job and what its client last wished of it with success.</summary>
    private sealed class OwnJob(string id, string spec)
    {
        public string Id => id;

        public string Spec => spec;

        public Wish Wish { get; set; }
    }
}
