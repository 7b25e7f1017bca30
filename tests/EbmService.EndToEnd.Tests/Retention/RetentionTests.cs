using System.Net;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Retention;

public sealed class RetentionTests : IDisposable
{
    private const int Jobs = 24;
    private const string Model = "two-moons";

    /// <summary>A tenth of a second, in days.</summary>
    private const string AtOnce = "0.000001";

    private readonly string _data = Directory.CreateTempSubdirectory("ebm-retention-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [EndToEndFact]
    public async Task Service_KilledWhileItSweeps_HasEachJobWholeOrNotAtAll()
    {
        string[] ids;
        string kept;
        await using (ServiceProcess service = await ServiceHost.StartAsync(_data))
        {
            ids = await Task.WhenAll(Enumerable.Range(0, Jobs).Select(seed => service.Client.SubmitAsync(HttpSteps.Spec(8, 5, seed), Model)));
            foreach (string id in ids)
                await service.Client.WaitForEndAsync(id);
            kept = ids[0];
            await PatchAsync(service.Client, kept);
        }
        // It begins to sweep before it is ready: kill it as soon as the first is gone.
        await using (ServiceProcess dying = ServiceHost.Launch(_data, ("Storage__RetainDays", AtOnce)))
        {
            while (Folders().Length == Jobs)
                await Task.Delay(1, HttpSteps.Cancel);
            await dying.KillAsync();
        }

        await using (ServiceProcess next = await ServiceHost.StartAsync(_data))
        {
            JsonArray known = (await next.Client.GetJsonAsync("/v1/jobs?limit=200"))["jobs"]!.AsArray();
            TestContext.Current.TestOutputHelper?.WriteLine($"{known.Count} of {Jobs} were left by the kill.");
            Assert.Equal(known.Select(job => (string)job!["id"]!).Order(StringComparer.Ordinal), Folders().Order(StringComparer.Ordinal));
            Assert.True(known.Count < Jobs, "nothing was swept");
            foreach (JsonNode? job in known)
                await CheckResultsAsync(next.Client, job!.AsObject());
            foreach (string id in ids.Except(known.Select(job => (string)job!["id"]!)))
                Assert.Equal(HttpStatusCode.NotFound, (await next.Client.GetAsync($"/v1/jobs/{id}", HttpSteps.Cancel)).StatusCode);
        }

        await using ServiceProcess last = await ServiceHost.StartAsync(_data, ("Storage__RetainDays", AtOnce));
        while (Folders().Length > 1)
            await Task.Delay(20, HttpSteps.Cancel);
        Assert.Equal(kept, Assert.Single(Folders()));
        await CheckResultsAsync(last.Client, await last.Client.GetJobAsync(kept));
    }

    [EndToEndFact]
    public async Task Download_InParts_GoesOnWhileQueriesAreAnsweredAndItsJobIsDeleted()
    {
        await using ServiceProcess service = await ServiceHost.StartAsync(_data, ("Worker__Slots", "1"));
        JsonObject spec = HttpSteps.Spec(512, 1000, 1);
        spec["thin"] = 1;
        string id = await service.Client.SubmitAsync(spec, Model);
        JsonObject job = await service.Client.WaitForEndAsync(id);
        JsonNode largest = job["results"]!.AsArray().MaxBy(result => (long)result!["size"]!)!;
        Assert.True((long)largest["size"]! > 4_000_000, $"too small to be under way: {largest}");
        string address = (string)largest["href"]!;

        using HttpResponseMessage answer = await service.Client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, HttpSteps.Cancel);
        await using Stream body = await answer.Content.ReadAsStreamAsync(HttpSteps.Cancel);
        var first = new byte[1000];
        await body.ReadExactlyAsync(first, HttpSteps.Cancel);
        await service.Client.PostJsonAsync($"/v1/models/{Model}/energy", JsonNode.Parse("""{"inputs": [[0, 0.5]]}""")!);
        using HttpResponseMessage deleted = await service.Client.DeleteAsync($"/v1/jobs/{id}", HttpSteps.Cancel);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Empty(Folders());

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(first);
        hash.AppendData(await ReadAllAsync(body));
        Assert.Equal((string?)largest["sha256"], Convert.ToHexStringLower(hash.GetHashAndReset()));
        Assert.Equal(HttpStatusCode.NotFound, (await service.Client.GetAsync(address, HttpSteps.Cancel)).StatusCode);
    }

    private static async Task<byte[]> ReadAllAsync(Stream stream)
    {
        var rest = new MemoryStream();
        await stream.CopyToAsync(rest, HttpSteps.Cancel);
        return rest.ToArray();
    }

    private static async Task PatchAsync(HttpClient client, string id)
    {
        using var content = new StringContent("""{"keep": true}""", System.Text.Encoding.UTF8, "application/json");
        JsonObject job = await HttpSteps.ReadAsync(await client.PatchAsync($"/v1/jobs/{id}", content, HttpSteps.Cancel), HttpStatusCode.OK);
        Assert.True((bool)job["keep"]!);
    }

    private static async Task CheckResultsAsync(HttpClient client, JsonObject job)
    {
        Assert.NotEmpty(job["results"]!.AsArray());
        foreach (JsonNode? result in job["results"]!.AsArray())
            Assert.Equal((string?)result!["sha256"], await client.HashOfResultAsync((string)job["id"]!, (string)result["name"]!));
    }

    private string[] Folders() => [.. Directory.EnumerateDirectories(Path.Combine(_data, "jobs")).Select(path => Path.GetFileName(path))];
}
