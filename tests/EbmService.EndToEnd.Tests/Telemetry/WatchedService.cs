using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Telemetry;

/// <summary>One service that is watched in every way, after it did some of everything that metrics tell of.</summary>
public sealed class WatchedService : IAsyncLifetime
{
    internal const string Secret = "s3cr3t-0f-a-cl1ent";
    internal const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    internal const string CallerSpan = "b7ad6b7169203331";

    private readonly string _data = Directory.CreateTempSubdirectory("ebm-telemetry-").FullName;

    internal Collector Collector { get; } = new();

    internal ServiceProcess Service { get; private set; } = null!;

    internal string JobId { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        if (!EndToEndFactAttribute.IsEnabled)
            return;
        Service = await ServiceHost.StartAsync(_data,
            ("Telemetry__Otlp__Endpoint", Collector.Address), ("Telemetry__Otlp__Protocol", "http/protobuf"), ("Telemetry__Otlp__Headers", "x-collector-key=abc"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"), ("OTEL_METRIC_EXPORT_INTERVAL", "500"), ("Worker__CheckpointSeconds", "0.1"),
            ("Storage__RetainDays", "1000"), ("Storage__MaxBytes", "1000000000000"),
            ("Logging__Console__FormatterName", "json"), ("Logging__Console__FormatterOptions__IncludeScopes", "true"));
        HttpClient client = Service.Client;
        JobId = await SubmitAsync(client);
        await client.WaitForEndAsync(JobId);
        // One that is long enough for a checkpoint, and ends otherwise.
        string cancelled = await client.SubmitAsync(HttpSteps.Spec(64, 1_000_000, 2), "two-moons");
        await client.WaitUntilAsync(cancelled, job => (long)job["progress"]!["done"]! > 0);
        await Task.Delay(500);
        await client.MoveAsync(cancelled, "cancel");
        await client.WaitForEndAsync(cancelled);
        var inputs = JsonNode.Parse("""{"inputs": [[0, 0.5], [1, -0.5]]}""")!;
        await client.PostJsonAsync("/v1/models/two-moons/energy", inputs);
        await client.PostJsonAsync("/v1/models/two-moons/ood", inputs);
        await SendSecretsAsync(client, $"/v1/jobs/{JobId}/results/card.json?access_token={Secret}");
    }

    public async ValueTask DisposeAsync()
    {
        if (EndToEndFactAttribute.IsEnabled)
            await Service.DisposeAsync();
        Collector.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    /// <summary>Whatever the answer is.</summary>
    private static async Task SendSecretsAsync(HttpClient client, string address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Secret);
        request.Headers.Add("X-Api-Key", Secret);
        (await client.SendAsync(request)).Dispose();
    }

    private static async Task<string> SubmitAsync(HttpClient client)
    {
        JsonObject spec = HttpSteps.Spec(64, 200, 1);
        spec["kernel"] = "mala";
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
        {
            Content = new StringContent(HttpSteps.Body(spec, "two-moons").ToJsonString(), MediaTypeHeaderValue.Parse("application/json")),
        };
        request.Headers.Add("traceparent", $"00-{TraceId}-{CallerSpan}-01");
        return (string)(await HttpSteps.ReadAsync(await client.SendAsync(request), System.Net.HttpStatusCode.Accepted))["id"]!;
    }
}

[CollectionDefinition(Name)]
public sealed class WatchedServiceCollection : ICollectionFixture<WatchedService>
{
    public const string Name = "watched service";
}
