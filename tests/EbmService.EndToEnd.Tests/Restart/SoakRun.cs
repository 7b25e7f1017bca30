using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using EbmService.EndToEnd.Tests.Sampling;
using Xunit;

namespace EbmService.EndToEnd.Tests.Restart;

/// <summary>Jobs of every kernel on a service that is killed again and again, also while it starts and while jobs are sent.</summary>
/// <param name="data">The service's data folder.</param>
/// <param name="jobs">How many jobs are sent over the lives.</param>
/// <param name="kills">How many lives end by kill -9.</param>
/// <param name="scale">Jobs are so many times as long as those of the other tests.</param>
/// <param name="seed">Of the moments.</param>
internal sealed class SoakRun(string data, int jobs, int kills, int scale, int seed)
{
    private static readonly (string, string)[] Settings = [("Worker__CheckpointSeconds", "0.2")];
    private readonly Random _random = new(seed);
    private readonly string?[] _ids = new string?[jobs];
    private readonly Dictionary<string, string> _ends = [];

    /// <value>The job that is sent i-th: all kernels in turn, later rounds with other seeds.</value>
    public (KernelCase Case, long Seed) JobAt(int i)
    {
        KernelCase one = KernelCase.All[i % KernelCase.All.Count];
        return (one with { Steps = scale * one.Steps }, 60 + i / KernelCase.All.Count);
    }

    /// <value>Kills that met an unfinished job.</value>
    public int Disturbing { get; private set; }

    public async Task RunAsync()
    {
        for (int life = 0; life < kills; life++)
        {
            // As many jobs are due as lives have passed, in proportion.
            await LiveAsync(due: Math.Min(jobs, 1 + (life + 1) * jobs / kills));
        }
    }

    /// <summary>The same jobs on a service that nobody kills.</summary>
    public async Task<string[]> UndisturbedAsync(ServiceProcess service)
    {
        HttpClient client = service.Client;
        var ids = new List<string>();
        for (int i = 0; i < jobs; i++)
            ids.Add(await client.SubmitAsync(JobAt(i).Case.Spec(JobAt(i).Seed), JobAt(i).Case.Model));
        return await HashesAsync(service, ids);
    }

    /// <summary>The last life: every job to its end.</summary>
    public async Task<string[]> EndAsync()
    {
        await using ServiceProcess service = await ServiceHost.StartAsync(data, Settings);
        await SendAsync(service.Client, jobs);
        string[] lines = await HashesAsync(service, _ids!);
        await LookAsync(service.Client);
        JsonArray listed = (await service.Client.GetJsonAsync("/v1/jobs?limit=200"))["jobs"]!.AsArray();
        Assert.Equal(_ids.Order(), listed.Select(job => (string?)job!["id"]).Order());
        return lines;
    }

    private async Task<string[]> HashesAsync(ServiceProcess service, IReadOnlyList<string> ids)
    {
        HttpClient client = service.Client;
        var lines = new List<string>();
        foreach ((int i, string id) in ids.Index())
        {
            JsonObject job = await client.WaitForEndAsync(id);
            Assert.True((string?)job["status"] == "succeeded", $"{i} {JobAt(i).Case.Name}: {job.ToJsonString()}{Environment.NewLine}{service.Output}");
            lines.Add($"{i} {JobAt(i).Case.Name}: {await client.HashOfResultAsync(id, "samples.npy")}");
        }
        return [.. lines];
    }

    private async Task LiveAsync(int due)
    {
        bool whileStarting = _random.Next(6) == 0;
        TimeSpan life = TimeSpan.FromSeconds(_random.NextDouble() * (whileStarting ? 1.5 : 2));
        await using ServiceProcess service = ServiceHost.Launch(data, Settings);
        if (!whileStarting)
            await service.ReadyAsync();
        Task moment = Task.Delay(life, HttpSteps.Cancel);
        Task work = whileStarting ? Task.CompletedTask : WorkAsync(service.Client, due);
        await moment;
        await service.KillAsync();
        await work;
        if (!whileStarting && _ids.Any(id => id is not null && !_ends.ContainsKey(id)))
            Disturbing++;
    }

    /// <summary>Sends what is due and looks at what has ended, until the service is gone.</summary>
    private async Task WorkAsync(HttpClient client, int due)
    {
        try
        {
            await SendAsync(client, due);
            while (true)
            {
                await LookAsync(client);
                await Task.Delay(100, HttpSteps.Cancel);
            }
        }
        catch (Exception gone) when (gone is HttpRequestException or IOException)
        {
            // Killed; the next life goes on.
        }
    }

    /// <summary>A job is sent under the same key until an answer comes: so a kill between storing and answering makes no second one.</summary>
    private async Task SendAsync(HttpClient client, int due)
    {
        for (int i = 0; i < due; i++)
        {
            if (_ids[i] is not null)
                continue;
            (KernelCase one, long jobSeed) = JobAt(i);
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs");
            request.Content = new StringContent(HttpSteps.Body(one.Spec(jobSeed), one.Model).ToJsonString(), Encoding.UTF8, "application/json");
            request.Headers.Add("Idempotency-Key", $"soak-{i}");
            using HttpResponseMessage answer = await client.SendAsync(request, HttpSteps.Cancel);
            JsonObject job = await HttpSteps.ReadAsync(answer, HttpStatusCode.Accepted);
            _ids[i] = (string)job["id"]!;
        }
    }

    /// <summary>A job that has ended once stays as it ended: the same time, the same attempt, the same files.</summary>
    private async Task LookAsync(HttpClient client)
    {
        foreach (string id in _ids.OfType<string>())
        {
            JsonObject job = await client.GetJobAsync(id);
            if (job.IsOver())
                Assert.Equal(_ends.TryGetValue(id, out string? end) ? end : _ends[id] = End(job), End(job));
            else
                Assert.False(_ends.ContainsKey(id), $"The job had ended and runs again: {job.ToJsonString()}");
        }
    }

    private static string End(JsonObject job) => $"{job["status"]} {job["finishedAt"]} {job["attempt"]} {job["results"]!.ToJsonString()}";
}
