using System.Net;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.JobTypes;

/// <summary>Of every job type: a pause, a kill -9 and a cancel over HTTP. Results are the same bits whatever happened on the way.</summary>
public sealed class JobTypeRestartTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;
    private readonly string _models = Directory.CreateTempSubdirectory("ebm-e2e-models-").FullName;

    public void Dispose()
    {
        Directory.Delete(_data, recursive: true);
        Directory.Delete(_models, recursive: true);
    }

    [EndToEndFact]
    public async Task PausedKilledAndCancelled_EveryType_KeepsItsPromises()
    {
        var ids = new List<(EndToEndJob Case, string Whole, string Disturbed, string Cancelled)>();
        // Training writes into the models.
        ServiceHost.CopyModels(_models);
        (string, string)[] settings = [("Models__Path", _models), ("Training__Enabled", "true")];
        await using (ServiceProcess first = await ServiceHost.StartAsync(_data, settings))
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

        await using ServiceProcess second = await ServiceHost.StartAsync(_data, settings);
        foreach ((EndToEndJob one, string whole, string disturbed, string cancelled) in ids)
        {
            JsonObject again = await second.Client.WaitForEndAsync(disturbed), kept = await second.Client.GetJobAsync(whole), partial = await second.Client.GetJobAsync(cancelled);
            Assert.Equal((one.Type, "succeeded", "completed"), ((string?)again["type"], (string?)again["status"], (string?)again["stopReason"]));
            Assert.Equal(Hashes(one, kept), Hashes(one, again));
            Assert.Equal(((long)kept["progress"]!["total"]!, 1.0), ((long)again["progress"]!["done"]!, (double)again["progress"]!["fraction"]!));
            Assert.Equal("cancelled", (string?)partial["status"]);
            if (one.MakesModel)
                await CheckModelsAsync(second.Client, kept, again, partial);
            else
                CheckPartial(one, again, partial);
        }
    }

    /// <summary>What was done is kept, under the same names; a picture may be missing where there was nothing to draw yet.</summary>
    private static void CheckPartial(EndToEndJob one, JsonObject whole, JsonObject partial)
    {
        string[] all = Names(whole), kept = Names(partial);
        Assert.True(kept.Except(all).ToArray() is [], $"{one.Type}: {string.Join(", ", kept)} of {string.Join(", ", all)}");
        Assert.True(all.Except(kept).All(name => name.EndsWith(".png", StringComparison.Ordinal)), $"{one.Type}: {string.Join(", ", kept)} of {string.Join(", ", all)}");

        static string[] Names(JsonObject job) => [.. job["results"]!.AsArray().Select(entry => (string)entry!["name"]!)];
    }

    private static async Task<string> SubmitAsync(ServiceProcess service, EndToEndJob one) =>
        (string)(await service.Client.PostJsonAsync("/v1/jobs", one.Body(), HttpStatusCode.Accepted))["id"]!;

    /// <summary>Both that ended are served, as versions with the same digest; the cancelled one left its weights and no version.</summary>
    private static async Task CheckModelsAsync(HttpClient client, JsonObject whole, JsonObject disturbed, JsonObject cancelled)
    {
        var digests = new List<string?>();
        foreach (JsonObject job in new[] { whole, disturbed })
        {
            JsonNode model = job["models"]![0]!;
            JsonObject card = await client.GetJsonAsync($"/v1/models/{model["name"]}/versions/{model["version"]}");
            digests.Add((string?)card["digest"]);
        }
        Assert.NotNull(digests[0]);
        Assert.Equal(digests[0], digests[1]);
        Assert.Contains(cancelled["results"]!.AsArray(), entry => (string?)entry!["name"] == "weights.safetensors");
        string? name = (string?)whole["models"]![0]!["name"];
        JsonArray hosted = (await client.GetJsonAsync("/v1/models"))["models"]!.AsArray();
        Assert.Equal(3, hosted.Single(model => (string?)model!["name"] == name)!["versions"]!.AsArray().Count);
    }

    private static string[] Hashes(EndToEndJob one, JsonObject job) => [.. job["results"]!.AsArray()
        .Where(entry => !one.MakesModel || (string?)entry!["name"] != "card.json").Select(entry => $"{entry!["name"]} {entry["sha256"]}")];
}
