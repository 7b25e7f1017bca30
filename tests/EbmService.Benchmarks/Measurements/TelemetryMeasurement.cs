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
        TelemetryCalls calls = TelemetryCalls.Measure(context.Options.Shortened(200_000));
        BenchmarkContext.Say($"telemetry:\n{calls.ToTable()}");
        double scrape = await ScrapeMillisecondsAsync(context);
        BenchmarkContext.Say($"telemetry: {scrape:F1} ms of processor time for a scrape");
        using NothingServer collector = await NothingServer.StartAsync();
        var otlp = new Dictionary<string, string>
        {
            ["Telemetry__Otlp__Endpoint"] = collector.Client.BaseAddress!.ToString(), ["Telemetry__Otlp__Protocol"] = "http/protobuf", ["OTEL_METRIC_EXPORT_INTERVAL"] = "5000",
        };
        Contender[] all =
        [
            new("none", new Dictionary<string, string> { ["Telemetry__Enabled"] = "false" }, Scrapes: false),
            new("metrics, scraped every 5 s", new Dictionary<string, string>(), Scrapes: true),
            new("the same, and metrics, traces and logs by OTLP", otlp, Scrapes: true),
        ];
        SamplingRequest[] jobs =
        [
            new(BenchmarkModels.Moons, Chains, context.Options.Shortened(2_000)), new(BenchmarkModels.Bundled, Chains, context.Options.Shortened(20)),
        ];
        for (int round = 0; round < context.Options.ActualRounds; round++)
        {
            // Each is first, second and last in turn.
            for (int i = 0; i < all.Length; i++)
                await all[(i + round) % all.Length].RunAsync(context, jobs);
            BenchmarkContext.Say($"telemetry, round {round + 1}: " + string.Join("; ", all.Select(one => one.Latest)));
        }
        var table = new MarkdownTable("model", "telemetry", "processor time per chain step, µs", "ratio to none", "chain steps per second", "ratio to none");
        foreach (SamplingRequest job in jobs)
        {
            foreach (Contender one in all)
                one.AddTo(table, job.Model, all[0]);
        }
        string text = $"""
            What the calls take by themselves, which other work on the machine disturbs little (the fastest of {TelemetryCalls.Batches} batches, the median beside it):

            {calls.ToTable()}
            A quantum is 20 ms of a slot, so that 200 µs would be 1 % of its chain steps. One `GET /metrics`, after jobs and queries, takes the service {scrape:F1} ms of processor time: every 15 s that is
            {scrape / 15_000:P3} of one core.

            The service as a whole. {Chains} chains of one job, from the request to the last result; in every round each service is started anew, warmed up by the same job and then measured. Processor
            time is the whole process's. The spread says how far this can tell anything on the machine at hand.

            {table}
            """;
        return new MeasurementResult(text, new
        {
            calls, scrapeMilliseconds = scrape, services = all.ToDictionary(one => one.Name, one => new { microseconds = one.Microseconds, perSecond = one.Rates }),
        });
    }

    /// <summary>Processor time of the service for one request of its metrics.</summary>
    private static async Task<double> ScrapeMillisecondsAsync(BenchmarkContext context)
    {
        const int warmUp = 30, count = 100;
        await using ServiceProcess service = await context.StartServiceAsync();
        await using SamplingClient client = await SamplingClient.ConnectAsync(service);
        await client.RunAsync(new SamplingRequest(BenchmarkModels.Moons, Chains, 50));
        await new EnergyClient(service, binary: true).RepeatAsync(10);
        TimeSpan before = default;
        for (int i = 0; i < warmUp + count; i++)
        {
            if (i == warmUp)
                before = service.ProcessorTime;
            await service.Client.GetStringAsync("/metrics");
            // The exporter answers from its last reading for 300 ms.
            await Task.Delay(context.Options.Quick ? 1 : 301);
        }
        return (service.ProcessorTime - before).TotalMilliseconds / count;
    }

    /// <summary>A way to start the service, and what its rounds gave, by model.</summary>
    private sealed record Contender(string Name, IReadOnlyDictionary<string, string> Settings, bool Scrapes)
    {
        public Dictionary<string, List<double>> Microseconds { get; } = [];

        public Dictionary<string, List<double>> Rates { get; } = [];

        public string Latest => $"{Name}: {string.Join(", ", Microseconds.Select(one => $"{one.Key} {one.Value[^1]:F2} us"))}";

        public async Task RunAsync(BenchmarkContext context, IReadOnlyList<SamplingRequest> jobs)
        {
            await using ServiceProcess service = await context.StartServiceAsync(settings: Settings);
            await using SamplingClient client = await SamplingClient.ConnectAsync(service);
            using var over = new CancellationTokenSource();
            Task scraping = Scrapes ? ScrapeAsync(service, over.Token) : Task.CompletedTask;
            foreach (SamplingRequest job in jobs)
                await client.RunAsync(job);
            foreach (SamplingRequest job in jobs)
            {
                TimeSpan before = service.ProcessorTime;
                double seconds = await client.RunAsync(job);
                int steps = job.Chains * job.Steps;
                Add(Microseconds, job.Model, (service.ProcessorTime - before).TotalMicroseconds / steps);
                Add(Rates, job.Model, steps / seconds);
            }
            await over.CancelAsync();
            await scraping;
        }

        public void AddTo(MarkdownTable table, string model, Contender none) => table.Row(
            model, Name, Spread.Of(Microseconds[model]).Show("F2"), Ratio(none, one => one.Microseconds[model]), Spread.Of(Rates[model]).Show("N0"),
            Ratio(none, one => one.Rates[model]));

        private string Ratio(Contender none, Func<Contender, List<double>> values) =>
            ReferenceEquals(this, none) ? "1" : Spread.OfRatios(values(this), values(none)).Show("F3");

        private static void Add(Dictionary<string, List<double>> values, string model, double value)
        {
            if (!values.TryGetValue(model, out List<double>? own))
                values[model] = own = [];
            own.Add(value);
        }

        private static async Task ScrapeAsync(ServiceProcess service, CancellationToken cancel)
        {
            while (!cancel.IsCancellationRequested)
            {
                await service.Client.GetStringAsync("/metrics", CancellationToken.None);
                await Task.Delay(ScrapeInterval, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
