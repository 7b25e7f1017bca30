using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using EbmService.Api.Security;
using EbmService.Core.Tensors;
using EbmService.Jobs.Keys;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace EbmService.Api.Tests.WholeService;

/// <summary>Two tenants on one service, keys in the jobs database, nothing replaced: neither sees anything of the other.</summary>
public sealed class TenantTests : IAsyncDisposable
{
    private const string Short = """{"model": "bowl", "spec": {"chains": 4, "steps": 5}}""";

    private static readonly byte[] Points = NpyFormat.Write(new TensorPayload([4, 2], [0, 0, 1, 1, -1, 2, 0.5f, -0.5f]));
    private static readonly byte[] OtherPoints = NpyFormat.Write(new TensorPayload([3, 2], [0, 0, 1, 1, -1, 2]));

    private readonly ServiceFolder _folder = new();
    private readonly ServiceFactory _factory;
    private readonly HttpClient _a;
    private readonly HttpClient _b;

    public TenantTests()
    {
        _factory = new ServiceFactory(_folder, ("Security:KeyRefreshSeconds", "0.1"), ("Quotas:Tenants:small:StoredBytes", "300000"),
            ("Quotas:Tenants:small:QueuedJobs", "1"), ("Quotas:Tenants:small:ConcurrentJobs", "1"));
        (_a, _b) = (Client("team-a"), Client("team-b"));
    }

    public async ValueTask DisposeAsync()
    {
        await _factory.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Jobs_ListsResultsAndRows_AreATenantsOwn()
    {
        string id = (string)(await _a.RunJobAsync(Short))["id"]!;

        Assert.Single((await GetAsync(_a, "/v1/jobs"))["jobs"]!.AsArray());
        Assert.Empty((await GetAsync(_b, "/v1/jobs"))["jobs"]!.AsArray());
        await (await _b.GetAsync($"/v1/jobs/{id}/results/samples.npy", HttpTestExtensions.Cancel)).ProblemAsync(HttpStatusCode.NotFound, "jobNotFound");
        string asRows = "{\"type\": \"scoring\", \"model\": \"bowl\", \"spec\": {\"job\": {\"id\": \"" + id + "\", \"result\": \"samples.npy\"}}}";
        string fromOwn = (string)(await (await _b.PostJsonAsync("/v1/jobs", asRows)).JsonAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString();
        string fromNobody = (string)(await (await _b.PostJsonAsync("/v1/jobs", asRows.Replace(id, new string('0', 32)))).JsonAsync(HttpStatusCode.BadRequest))
            ["errors"]!.ToJsonString();
        Assert.Equal(fromNobody.Replace(new string('0', 32), id), fromOwn);
        await (await _a.PostJsonAsync("/v1/jobs", asRows)).JsonAsync(HttpStatusCode.Accepted);
    }

    [Fact]
    public async Task Datasets_OfOneName_AreTwo()
    {
        await (await PutAsync(_a, Points)).JsonAsync(HttpStatusCode.Created);
        await (await PutAsync(_b, OtherPoints)).JsonAsync(HttpStatusCode.Created);

        Assert.Equal(4, (int)(await GetAsync(_a, "/v1/datasets/points"))["rows"]!);
        Assert.Equal(3, (int)(await GetAsync(_b, "/v1/datasets/points"))["rows"]!);
        Assert.Equal("points", (string?)(await GetAsync(_b, "/v1/datasets"))["datasets"]![0]!["name"]);
        await (await _b.GetAsync("/v1/datasets/team-a%2Fpoints", HttpTestExtensions.Cancel)).ProblemAsync(HttpStatusCode.NotFound, "datasetNotFound");
        JsonObject job = await _b.RunJobAsync("""{"type": "scoring", "model": "bowl", "spec": {"dataset": "points"}}""");
        Assert.Contains("\"shape\":[3]", job["spec"]!.ToJsonString());
        Assert.Equal(HttpStatusCode.NoContent, (await _b.DeleteAsync("/v1/datasets/points", HttpTestExtensions.Cancel)).StatusCode);
        await (await _b.PostJsonAsync("/v1/jobs", """{"type": "scoring", "model": "bowl", "spec": {"dataset": "points"}}"""))
            .JsonAsync(HttpStatusCode.BadRequest);
        Assert.Equal(4, (int)(await GetAsync(_a, "/v1/datasets/points"))["rows"]!);
    }

    [Fact]
    public async Task IdempotencyKeys_OfOneText_AreTwo()
    {
        JsonObject first = await OnceAsync(_a, Short), again = await OnceAsync(_a, Short), others = await OnceAsync(_b, """{"model": "wells", "spec": {"chains": 2, "steps": 5}}""");

        Assert.Equal((string?)first["id"], (string?)again["id"]);
        Assert.NotEqual((string?)first["id"], (string?)others["id"]);
        Assert.Equal("team-b", (string?)others["tenant"]);
    }

    [Fact]
    public async Task Events_OfAllJobs_AreATenantsOwn()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(HttpTestExtensions.Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        using HttpResponseMessage stream = await _b.GetAsync("/v1/events", HttpCompletionOption.ResponseHeadersRead, limit.Token);
        string foreign = (string)(await _a.RunJobAsync(Short))["id"]!, own = (string)(await _b.RunJobAsync(Short))["id"]!;
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync(limit.Token));
        var seen = new StringBuilder();
        while (!seen.ToString().Contains("\"succeeded\"", StringComparison.Ordinal))
            seen.Append(await reader.ReadLineAsync(limit.Token)).Append('\n');

        Assert.Contains(own, seen.ToString());
        Assert.DoesNotContain(foreign, seen.ToString());
    }

    [Fact]
    public async Task Calibrations_AreSeenByTheirTenant_UnlessTheyAreTheDefault()
    {
        using var content = new ByteArrayContent(NpyFormat.Write(new TensorPayload([400, 2],
            [.. Enumerable.Range(0, 400).SelectMany(i => new[] { (float)(Math.Sin(i * 1.7) * 1.2), (float)(Math.Cos(i * 0.9) * 1.2) })])));
        await (await _a.PutAsync("/v1/datasets/many", content, HttpTestExtensions.Cancel)).JsonAsync(HttpStatusCode.Created);
        await _a.RunJobAsync("""{"type": "calibration", "model": "bowl", "spec": {"name": "mine", "data": {"dataset": "many"}}}""");

        Assert.Equal("mine", (string?)(await GetAsync(_a, "/v1/models/bowl/calibrations"))["calibrations"]![0]!["name"]);
        Assert.Empty((await GetAsync(_b, "/v1/models/bowl/calibrations"))["calibrations"]!.AsArray());
        Assert.Empty((await GetAsync(_b, "/v1/models/bowl"))["calibrations"]!.AsArray());
        const string Ask = """{"inputs": [[0, 0]], "calibration": "mine"}""";
        await (await _a.PostJsonAsync("/v1/models/bowl/ood", Ask)).JsonAsync();
        string refusal = await (await _b.PostJsonAsync("/v1/models/bowl/ood", Ask)).FieldErrorAsync("calibration");
        Assert.DoesNotContain("mine,", refusal);
        await _a.RunJobAsync("""{"type": "calibration", "model": "bowl", "spec": {"name": "for-all", "makeDefault": true, "data": {"dataset": "many"}}}""");
        JsonObject shown = (await GetAsync(_b, "/v1/models/bowl/calibrations"))["calibrations"]!.AsArray().Single()!.AsObject();
        Assert.Equal(("for-all", "", ""), ((string?)shown["name"], (string?)shown["job"], (string?)shown["tenant"]));
    }

    [Fact]
    public async Task Quotas_OfStoredBytesAndJobs_AreTheTenants()
    {
        using HttpClient small = Client("small");
        const string Long = """{"model": "bowl", "spec": {"chains": 4, "steps": 900000, "previewEvery": 0}}""";
        string running = (string)(await small.StartJobAsync(Long))["id"]!;
        await Poll.UntilAsync(async () => (string?)(await small.GetJobAsync(running))["status"] == "running");
        string waiting = (string)(await small.StartJobAsync(Long))["id"]!;
        HttpResponseMessage third = await small.PostJsonAsync("/v1/jobs", Long);

        await third.ProblemAsync(HttpStatusCode.TooManyRequests, "quotaExceeded");
        Assert.NotNull(third.Headers.RetryAfter);
        // There are two slots and nobody else: only the quota holds it back.
        await Task.Delay(500, HttpTestExtensions.Cancel);
        Assert.Equal("queued", (string?)(await small.GetJobAsync(waiting))["status"]);
        await _b.RunJobAsync(Short);
        await small.PostAsync($"/v1/jobs/{running}/cancel", null, HttpTestExtensions.Cancel);
        await Poll.UntilAsync(async () => (string?)(await small.GetJobAsync(waiting))["status"] == "running");
        await small.PostAsync($"/v1/jobs/{waiting}/cancel", null, HttpTestExtensions.Cancel);
        await Poll.UntilAsync(async () => (string?)(await small.GetJobAsync(waiting))["status"] == "cancelled");
        byte[] large = NpyFormat.Write(new TensorPayload([40_000, 2], new float[80_000]));
        await (await PutAsync(small, Points)).JsonAsync(HttpStatusCode.Created);
        await (await PutAsync(small, large, "large")).ProblemAsync(HttpStatusCode.TooManyRequests, "quotaExceeded");
        await (await PutAsync(_b, large, "large")).JsonAsync(HttpStatusCode.Created);
    }

    private HttpClient Client(string tenant)
    {
        HttpClient client = _factory.CreateClient();
        IApiKeys keys = _factory.Services.GetRequiredService<IApiKeys>();
        string text = keys.CreateAsync(tenant, tenant, ApiKeyScopes.All, null, HttpTestExtensions.Cancel).Result.Text;
        KeyRing ring = _factory.Services.GetRequiredService<KeyRing>();
        SpinWait.SpinUntil(() => ring.Check(text).Succeeded, TimeSpan.FromSeconds(10));
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", text);
        return client;
    }

    private static async Task<JsonObject> GetAsync(HttpClient client, string path) => await (await client.GetAsync(path, HttpTestExtensions.Cancel)).JsonAsync();

    private static Task<HttpResponseMessage> PutAsync(HttpClient client, byte[] rows, string name = "points") =>
        client.PutAsync($"/v1/datasets/{name}", new ByteArrayContent(rows), HttpTestExtensions.Cancel);

    private static async Task<JsonObject> OnceAsync(HttpClient client, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("Idempotency-Key", "the-same");
        HttpResponseMessage response = await client.SendAsync(request, HttpTestExtensions.Cancel);
        return await response.JsonAsync(response.StatusCode == HttpStatusCode.OK ? HttpStatusCode.OK : HttpStatusCode.Accepted);
    }
}
