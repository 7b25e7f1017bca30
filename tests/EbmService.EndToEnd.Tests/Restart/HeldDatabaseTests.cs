using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Microsoft.Data.Sqlite;
using Xunit;

namespace EbmService.EndToEnd.Tests.Restart;

/// <summary>Another program holds jobs.db for a while.</summary>
public sealed class HeldDatabaseTests : IDisposable
{
    private const int Writers = 40;
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(3);

    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [SoakFact]
    public async Task Database_HeldForTwentySeconds_CostsNoJobAndBlocksNoOtherRequest()
    {
        await using ServiceProcess service = await ServiceHost.StartAsync(_data, ("Storage__BusySeconds", "2"));
        string ended = await service.Client.SubmitAsync(HttpSteps.Spec(16, 2, 1));
        await service.Client.WaitForEndAsync(ended);
        string running = await service.Client.SubmitAsync(HttpSteps.Spec(64, 400, 2));
        string paused = await service.Client.SubmitAsync(HttpSteps.Spec(64, 100_000, 3));
        await service.Client.WaitUntilAsync(paused, job => (string?)job["status"] == "running");
        using (SqliteConnection holder = Hold())
        {
            long since = Stopwatch.GetTimestamp();
            Task<HttpResponseMessage>[] submits = [.. Enumerable.Range(0, Writers).Select(seed => PostAsync(service, "/v1/jobs", HttpSteps.Body(HttpSteps.Spec(16, 2, seed), ServiceHost.Model)))];
            Task<HttpResponseMessage> pause = PostAsync(service, $"/v1/jobs/{paused}/pause", null);
            Task<HttpResponseMessage> delete = service.Client.DeleteAsync($"/v1/jobs/{ended}", HttpSteps.Cancel);
            await Task.Delay(200, HttpSteps.Cancel);
            await AssertAtOnceAsync(service, "/health/live");
            await AssertAtOnceAsync(service.Client.PostAsync($"/v1/models/{ServiceHost.Model}/energy", Digits.Npy(Digits.Noise(1, seed: 1)), HttpSteps.Cancel));
            await AssertAtOnceAsync(service, $"/v1/jobs/{running}");
            await AssertAtOnceAsync(service, $"/v1/jobs/{ended}");
            await AssertAtOnceAsync(service, "/v1/models");
            foreach (HttpResponseMessage answer in await Task.WhenAll([.. submits, pause, delete]))
                await AssertBusyAsync(answer);
            await Task.Delay(TimeSpan.FromSeconds(20) - Stopwatch.GetElapsedTime(since), HttpSteps.Cancel);
        }

        await service.Client.WaitUntilAsync(paused, job => (string?)job["status"] == "paused");
        Assert.Equal("succeeded", (string?)(await service.Client.WaitForEndAsync(running))["status"]);
        JsonArray listed = (await service.Client.GetJsonAsync("/v1/jobs"))["jobs"]!.AsArray();
        Assert.Equal(new[] { paused, running, ended }, listed.Select(job => (string?)job!["id"]));
        Assert.NotEmpty(await service.Client.GetResultAsync(ended, "samples.npy"));
    }

    private SqliteConnection Hold()
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(_data, "jobs.db")};Pooling=False;Default Timeout=30");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "BEGIN EXCLUSIVE";
        command.ExecuteNonQuery();
        return connection;
    }

    private static Task<HttpResponseMessage> PostAsync(ServiceProcess service, string path, JsonObject? body) => service.Client.PostAsync(
        path, body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"), HttpSteps.Cancel);

    private static Task AssertAtOnceAsync(ServiceProcess service, string path) => AssertAtOnceAsync(service.Client.GetAsync(path, HttpSteps.Cancel));

    private static async Task AssertAtOnceAsync(Task<HttpResponseMessage> request)
    {
        long since = Stopwatch.GetTimestamp();
        using HttpResponseMessage answer = await request;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, AtOnce);
    }

    private static async Task AssertBusyAsync(HttpResponseMessage answer)
    {
        Assert.NotNull(answer.Headers.RetryAfter);
        JsonObject problem = await HttpSteps.ReadAsync(answer, HttpStatusCode.ServiceUnavailable);
        Assert.Equal("storageBusy", (string?)problem["code"]);
    }
}
