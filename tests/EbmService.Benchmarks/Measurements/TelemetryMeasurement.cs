using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>What metrics and traces cost: the same jobs on services that differ in nothing else.</summary>
internal sealed class TelemetryMeasurement : IMeasurement
{
    private const int Chains = 64;
    private static readonly TimeSpan ScrapeInterval = TimeSpan.FromSeconds(5);

    public string Name => "telemetry";

    public string Title => "telemetry: with and without";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        using NothingServer collector = await NothingServer.StartAsync();
        string address = collector.Client.BaseAddress!.ToString();
        Contender[] all =
        [
            new("none", await StartAsync(context, new() { ["Telemetry__Enabled"] = "false" }), Scrapes: false),
            new("metrics, scraped every 5 s", await StartAsync(context, []), Scrapes: true),
            new("metrics, and all by OTLP", await StartAsync(context, new()
            {
                ["Telemetry__Otlp__Endpoint"] = address, ["Telemetry__Otlp__Protocol"] = "http/protobuf", ["OTEL_METRIC_EXPORT_INTERVAL"] = "5000",
            }), Scrapes: true),
        ];
        var figures = new Dictionary<string, object>();
        var table = new MarkdownTable("model", "telemetry", "processor time per chain step, µs", "ratio to none", "chain steps per second", "ratio to none");
        foreach ((string model, int full) in new[] { (BenchmarkModels.Moons, 4_000), (BenchmarkModels.Bundled, 30) })
        {
            var request = new SamplingRequest(model, Chains, context.Options.Shortened(full));
            foreach (Contender one in all)
                one.Clear();
            for (int round = 0; round <= context.Options.ActualRounds; round++)
            {
                // Each is first, second and last in turn, and round 0 warms up.
                for (int i = 0; i < all.Length; i++)
                    await all[(i + round) % all.Length].RunAsync(request, keep: round > 0);
                BenchmarkContext.Say($"telemetry, {model}, round {round}: " + string.Join("; ", all.Select(one => one.Latest)));
            }
            foreach (Contender one in all)
                one.AddTo(table, model, all[0]);
            figures[model] = all.ToDictionary(one => one.Name, one => new { microseconds = one.Microseconds.ToArray(), perSecond = one.Rates.ToArray() });
        }
        foreach (Contender one in all)
            await one.Service.DisposeAsync();
        string text = $"""
            {Chains} chains of one job, from the request to the last result; the services take turns. Processor time is the whole process's, which other work on the machine
            disturbs less than the time on the clock. A ratio of processor time over 1, or of chain steps under 1, is what the telemetry costs.

            {table}
            """;
        return new MeasurementResult(text, figures);
    }

    private static Task<ServiceProcess> StartAsync(BenchmarkContext context, Dictionary<string, string> settings) => context.StartServiceAsync(settings: settings);

    /// <summary>A service and what its rounds gave.</summary>
    private sealed record Contender(string Name, ServiceProcess Service, bool Scrapes)
    {
        public List<double> Microseconds { get; } = [];

        public List<double> Rates { get; } = [];

        public string Latest { get; private set; } = "";

        public void Clear()
        {
            Microseconds.Clear();
            Rates.Clear();
        }

        public async Task RunAsync(SamplingRequest request, bool keep)
        {
            await using SamplingClient client = await SamplingClient.ConnectAsync(Service);
            using var over = new CancellationTokenSource();
            Task scraping = Scrapes ? ScrapeAsync(over.Token) : Task.CompletedTask;
            TimeSpan before = Service.ProcessorTime;
            double seconds = await client.RunAsync(request);
            double microseconds = (Service.ProcessorTime - before).TotalMicroseconds / (request.Chains * request.Steps);
            await over.CancelAsync();
            await scraping;
            Latest = $"{Name} {microseconds:F2} us";
            if (!keep)
                return;
            Microseconds.Add(microseconds);
            Rates.Add(request.Chains * request.Steps / seconds);
        }

        public void AddTo(MarkdownTable table, string model, Contender none) => table.Row(model, Name, Spread.Of(Microseconds).Show("F3"),
            this == none ? "1" : Spread.OfRatios(Microseconds, none.Microseconds).Show("F3"), Spread.Of(Rates).Show("N0"),
            this == none ? "1" : Spread.OfRatios(Rates, none.Rates).Show("F3"));

        private async Task ScrapeAsync(CancellationToken cancel)
        {
            while (!cancel.IsCancellationRequested)
            {
                await Service.Client.GetStringAsync("/metrics", CancellationToken.None);
                await Task.Delay(ScrapeInterval, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
