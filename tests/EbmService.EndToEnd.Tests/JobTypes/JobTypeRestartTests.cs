using System.Net;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.JobTypes;

/// <summary>Of every job type: a pause, a kill -9 and a cancel over HTTP. Results are the same bits whatever happened on the way.</summary>
public sealed class JobTypeRestartTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [EndToEndFact]
    public async Task PausedKilledAndCancelled_EveryType_KeepsItsPromises()
    {
        var ids = new List<(EndToEndJob Case, string Whole, string Disturbed, string Cancelled)>();
        await using (ServiceProcess first = await ServiceHost.StartAsync(_data))
        {
            foreach (EndToEndJob one in EndToEndJob.All)
            {
                string whole = await SubmitAsync(first, one);
                Assert.Equal("succeeded", (string?)(await first.Client.WaitForEndAsync(whole))["status"]);
                string cancelled = await SubmitAsync(first, one);
                await first.Client.WaitUntilAsync(cancelled, job => (double)job["progress"]!["fraction"]! > 0);
                await first.Client.MoveAsync(cancelled, "cancel");
                await first.Client.WaitForEndAsync(cancelled);
                string disturbed = await SubmitAsync(first, one);
                await first.Client.WaitUntilAsync(disturbed, job => (double)job["progress"]!["fraction"]! > 0);
                await first.Client.MoveAsync(disturbed, "pause");
                await first.Client.WaitUntilAsync(disturbed, job => (string?)job["status"] == "paused");
                ids.Add((one, whole, disturbed, cancelled));
            }
            foreach ((_, _, string disturbed, _) in ids)
                await first.Client.MoveAsync(disturbed, "resume");
            await first.Client.WaitUntilAsync(ids[^1].Disturbed, job => (string?)job["status"] == "running");
            await first.KillAsync();
        }

        await using ServiceProcess second = await ServiceHost.StartAsync(_data);
        foreach ((EndToEndJob one, string whole, string disturbed, string cancelled) in ids)
        {
            JsonObject again = await second.Client.WaitForEndAsync(disturbed), kept = await second.Client.GetJobAsync(whole), partial = await second.Client.GetJobAsync(cancelled);
            Assert.Equal((one.Type, "succeeded", "completed"), ((string?)again["type"], (string?)again["status"], (string?)again["stopReason"]));
            Assert.Equal(Hashes(kept), Hashes(again));
            Assert.Equal(((long)kept["progress"]!["total"]!, 1.0), ((long)again["progress"]!["done"]!, (double)again["progress"]!["fraction"]!));
            Assert.Equal("cancelled", (string?)partial["status"]);
            Assert.Equal(again["results"]!.AsArray().Count, partial["results"]!.AsArray().Count);
        }
    }

    private static async Task<string> SubmitAsync(ServiceProcess service, EndToEndJob one) =>
        (string)(await service.Client.PostJsonAsync("/v1/jobs", one.Body(), HttpStatusCode.Accepted))["id"]!;

    private static string[] Hashes(JsonObject job) => [.. job["results"]!.AsArray().Select(entry => $"{entry!["name"]} {entry["sha256"]}")];
}
