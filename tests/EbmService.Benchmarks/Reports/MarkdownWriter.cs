using System.Globalization;
using System.Text;
using EbmService.Benchmarks.Measurements;
using EbmService.Benchmarks.Service;

namespace EbmService.Benchmarks.Reports;

/// <summary>The report for people.</summary>
internal static class MarkdownWriter
{
    public static string Write(BenchmarkOptions options, BenchmarkReport report)
    {
        var text = new StringBuilder();
        text.AppendLine("# The main job against plain loops").AppendLine();
        text.AppendLine($"Machine: {report.Machine}.").AppendLine();
        text.AppendLine($"Model: {report.Model}. Each figure is the median of {options.ActualRounds} interleaved rounds, [min, max] beside it; ratios are taken round by round.").AppendLine();
        string flags = (options.Quick ? " --quick" : $" --rounds {options.Rounds}") + (options.Output is { } path ? $" --out {path.Replace('\\', '/')}" : "");
        text.AppendLine("    dotnet run -c Release --project tests/EbmService.Benchmarks --" + flags).AppendLine();
        if (options.Quick)
            text.AppendLine("**A smoke run: these figures measure nothing.**").AppendLine();
        Sampling(text, report.Sampling);
        Throughput(text, report.Throughput);
        Latency(text, report.Latency);
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void Sampling(StringBuilder text, SamplingMeasurement sampling)
    {
        text.AppendLine($"## Sampling: {sampling.Chains} chains, {sampling.Steps} steps").AppendLine();
        text.AppendLine("The service: a process with Kestrel on loopback; the job is submitted over HTTP, watched over SignalR with previews every 50 steps, stored, and its samples, picture and trace fetched; the clock covers all of that.");
        text.AppendLine($"The plain loop: one batch of {sampling.Chains} in a process of its own, same weights and recipe, autograd, libtorch's default threads.");
        text.AppendLine("Core-seconds are processor time: what other work on the machine disturbs least; the plain loop's include its threads' waiting for one another.").AppendLine();
        text.AppendLine("| | chain-steps per second | ratio to the plain loop | chain-steps per core-second |").AppendLine("|---|---|---|---|");
        text.AppendLine($"| plain loop | {Show(sampling.Rate(sampling.Plain), "N0")} | 1 | {Show(sampling.CoreRate(sampling.Plain), "N0")} |");
        foreach (int size in sampling.BlockSizesAscending)
        {
            string mark = size == sampling.DefaultBlockSize ? " (the model's default)" : "";
            text.AppendLine($"| service, blocks of {size}{mark} | {Show(sampling.Rate(sampling.Service[size]), "N0")} | {Show(sampling.Ratio(sampling.Service[size]), "F2")} | {Show(sampling.CoreRate(sampling.Service[size]), "N0")} |");
        }
        text.AppendLine($"| service, blocks of {sampling.DefaultBlockSize}, `\"precision\": \"bfloat16\"` | {Show(sampling.Rate(sampling.ServiceBfloat16), "N0")} | {Show(sampling.Ratio(sampling.ServiceBfloat16), "F2")} | {Show(sampling.CoreRate(sampling.ServiceBfloat16), "N0")} |");
        text.AppendLine().AppendLine($"Best block size here: {sampling.BestBlockSize}.").AppendLine();
    }

    private static void Throughput(StringBuilder text, ThroughputMeasurement throughput)
    {
        text.AppendLine($"## Energy requests: {ThroughputMeasurement.Connections} connections, one input each").AppendLine();
        text.AppendLine("The load generator shares the machine with the service; 'cores' says how much of it each used. Raw forward passes have the whole machine, no HTTP and no parsing.").AppendLine();
        text.AppendLine("| | inputs per second | ratio to tiles of 8 | p50 ms | p99 ms | service, cores | generator, cores |").AppendLine("|---|---|---|---|---|---|---|");
        text.AppendLine($"| raw forward, batches of 32, libtorch's threads | {Show(Spread.Of(throughput.RawBatch), "N0")} | {Ratio(throughput.RawBatch, throughput)} | | | | |");
        text.AppendLine($"| raw forward, tiles of 8, one thread per core | {Show(Spread.Of(throughput.RawTiles), "N0")} | 1 | | | | |");
        Load(text, "service, .npy", throughput.Binary, throughput);
        Load(text, "service, JSON", throughput.Json, throughput);
        text.AppendLine();
    }

    private static void Load(StringBuilder text, string name, IReadOnlyList<EnergyLoad> loads, ThroughputMeasurement throughput)
    {
        string Of(Func<EnergyLoad, double> value, string format) => Show(Spread.Of(loads.Select(value)), format);
        text.AppendLine($"| {name} | {Of(load => load.PerSecond, "N0")} | {Ratio(loads.Select(load => load.PerSecond), throughput)} | {Of(load => load.P50, "F1")} | {Of(load => load.P99, "F1")} | {Of(load => load.ServiceCores, "F2")} | {Of(load => load.ClientCores, "F2")} |");
    }

    private static string Ratio(IEnumerable<double> rates, ThroughputMeasurement throughput) =>
        Show(Spread.Of(rates.Zip(throughput.RawTiles, (rate, raw) => rate / raw)), "F2");

    private static void Latency(StringBuilder text, LatencyMeasurement latency)
    {
        text.AppendLine("## One energy request at a time").AppendLine();
        text.AppendLine("One client, one input as .npy, each request after the answer to the one before. Busy: a job of 256 chains fills all slots.").AppendLine();
        text.AppendLine("| | p50 ms | p99 ms | longest ms |").AppendLine("|---|---|---|---|");
        foreach ((string name, IReadOnlyList<double[]> rounds) in new[] { ("idle", latency.Idle), ("busy", latency.Busy) })
        {
            string At(double share) => Show(Spread.Of(rounds.Select(round => Spread.Quantile(round, share))), "F1");
            text.AppendLine($"| {name} | {At(0.5)} | {At(0.99)} | {At(1)} |");
        }
    }

    private static string Show(Spread spread, string format)
    {
        string Text(double value) => value.ToString(format, CultureInfo.InvariantCulture);
        return $"{Text(spread.Median)} [{Text(spread.Min)}, {Text(spread.Max)}]";
    }
}
