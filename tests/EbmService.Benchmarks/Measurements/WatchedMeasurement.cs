using System.Diagnostics;
using System.Text.Json;
using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;
using Microsoft.AspNetCore.SignalR.Client;

namespace EbmService.Benchmarks.Measurements;

/// <summary>What it costs the chains to be watched: the same 20 jobs alone, with a watcher of each, and with the dashboard open in a browser besides.</summary>
internal sealed class WatchedMeasurement : IMeasurement
{
    private const int Jobs = 20, Chains = 64;
    private const string Browser = "/usr/bin/chromium";

    public string Name => "watched";

    public string Title => "watched: 20 jobs that nobody watches, and that a dashboard watches";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        int steps = context.Options.Shortened(40, 4);
        Way[] ways = [new("nobody", 0, false), new("each by its own watch, and all by one more", Jobs, false), .. File.Exists(Browser) ? [new Way("the same, and the dashboard open in Chromium", Jobs, true)] : (Way[])[]];
        for (int round = 0; round < context.Options.ActualRounds; round++)
        {
            for (int i = 0; i < ways.Length; i++)
                await ways[(i + round) % ways.Length].RunAsync(context, steps);
            BenchmarkContext.Say($"watched, round {round + 1}: " + string.Join("; ", ways.Select(way => $"{way.Name}: {way.Rates[^1]:N0} /s, {way.Microseconds[^1]:F1} us")));
        }
        var table = new MarkdownTable("watched by", "chain-steps per second", "ratio", "processor time of the service per chain-step, µs", "ratio");
        foreach (Way way in ways)
        {
            table.Row(way.Name, Spread.Of(way.Rates).Show("N0"), Spread.OfRatios(way.Rates, ways[0].Rates).Show("F3"), Spread.Of(way.Microseconds).Show("F1"),
                Spread.OfRatios(way.Microseconds, ways[0].Microseconds).Show("F3"));
        }
        string text = $"""
            {Jobs} jobs of {Chains} chains of {BenchmarkModels.Bundled}, {steps} steps, previews every 10 steps, on a service started anew each time; from the first request until the last job has ended. Watchers and
            browser run on the same machine, so what they take of its cores shows in the rate, and what the service does for them in its processor time.

            {table}
            """;
        return new MeasurementResult(text, ways.ToDictionary(way => way.Name, way => new { perSecond = way.Rates, microseconds = way.Microseconds }));
    }

    private sealed record Way(string Name, int Watches, bool Dashboard)
    {
        public List<double> Rates { get; } = [];

        public List<double> Microseconds { get; } = [];

        public async Task RunAsync(BenchmarkContext context, int steps)
        {
            await using ServiceProcess service = await context.StartServiceAsync();
            await using SamplingClient client = await SamplingClient.ConnectAsync(service);
            await client.RunAsync(new SamplingRequest(BenchmarkModels.Bundled, Chains, 4));
            using Process? browser = Dashboard ? Open(service) : null;
            if (Dashboard)
                await Task.Delay(TimeSpan.FromSeconds(15));
            await using HubConnection hub = new HubConnectionBuilder().WithUrl(new Uri(service.Address, "/hubs/jobs")).Build();
            hub.On<JsonElement>("JobChanged", _ => { });
            hub.On<JsonElement>("JobProgress", _ => { });
            hub.On<string, int, byte[]>("JobPreview", (_, _, _) => { });
            await hub.StartAsync();
            if (Watches > 0)
                await hub.InvokeAsync("WatchAll");
            TimeSpan before = service.ProcessorTime;
            long begun = Stopwatch.GetTimestamp();
            string[] ids = await Task.WhenAll(Enumerable.Range(0, Jobs).Select(i =>
                client.SubmitAsync(new SamplingRequest(BenchmarkModels.Bundled, Chains, steps, PreviewEvery: 10, Seed: i))));
            foreach (string id in ids.Take(Watches))
                await hub.InvokeAsync("Watch", id);
            // In the order of their seeds, so that the last ones alone are asked for more than once or twice.
            foreach (string id in ids)
                await client.WaitUntilOverAsync(id);
            double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            double done = (double)Jobs * Chains * steps;
            Rates.Add(done / seconds);
            Microseconds.Add((service.ProcessorTime - before).TotalMicroseconds / done);
            browser?.Kill(entireProcessTree: true);
        }

        private static Process Open(ServiceProcess service) => Process.Start(new ProcessStartInfo(Browser,
            ["--headless=new", "--no-sandbox", "--disable-gpu", $"--user-data-dir={Directory.CreateTempSubdirectory("ebm-browser-").FullName}", new Uri(service.Address, "/dashboard").ToString()])
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
    }
}
