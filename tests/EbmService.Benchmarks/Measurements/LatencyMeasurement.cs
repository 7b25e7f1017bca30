using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>Short queries: many at once, and one at a time with nothing else to do or while a long job fills all slots.</summary>
internal sealed class LatencyMeasurement : IMeasurement
{
    private const int LongJobSteps = 100_000;

    public string Name => "latency";

    public string Title => "latency: energy requests of one input";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        await using ServiceProcess service = await context.StartServiceAsync();
        await using SamplingClient jobs = await SamplingClient.ConnectAsync(service);
        using LoopProcess loop = LoopProcess.TorchSharp(context.Models.VersionFolder(BenchmarkModels.Bundled));
        using NothingServer nothing = await NothingServer.StartAsync();
        EnergyClient binary = new(service, binary: true), json = new(service, binary: false);
        ThroughputRounds throughput = await ThroughputRounds.RunAsync(context.Options, binary, json, new EnergyClient(nothing), loop);
        List<double[]> idle = [], busy = [];
        for (int round = 0; round < context.Options.ActualRounds; round++)
        {
            idle.Add(await AskAsync(binary, context.Options.LatencyRequests));
            string job = await jobs.SubmitAsync(new SamplingRequest(BenchmarkModels.Bundled, 256, LongJobSteps, Seed: round));
            await jobs.WaitUntilRunningAsync(job);
            busy.Add(await AskAsync(binary, context.Options.LatencyRequests));
            await jobs.CancelAsync(job);
            BenchmarkContext.Say($"latency, round {round + 1}: p99 idle {Spread.Quantile(idle[round], 0.99):F1} ms, busy {Spread.Quantile(busy[round], 0.99):F1} ms");
        }
        return new MeasurementResult(Text(throughput, idle, busy), new { throughput, idle, busy });
    }

    private static async Task<double[]> AskAsync(EnergyClient energy, int count)
    {
        var milliseconds = new double[count];
        for (int i = 0; i < count; i++)
            milliseconds[i] = await energy.AskAsync();
        return milliseconds;
    }

    private static string Text(ThroughputRounds throughput, List<double[]> idle, List<double[]> busy)
    {
        var table = new MarkdownTable("", "p50 ms", "p99 ms", "longest ms");
        foreach ((string name, List<double[]> rounds) in new[] { ("idle", idle), ("busy", busy) })
        {
            string At(double share) => Spread.Of(rounds.Select(round => Spread.Quantile(round, share))).Show("F1");
            table.Row(name, At(0.5), At(0.99), At(1));
        }
        Spread ofTiles = Spread.OfRatios(idle.Select(round => Spread.Quantile(round, 0.5)), throughput.RawTile);
        return $"""
            {ThroughputRounds.Connections} connections at once. The load generator shares the machine with the service; 'cores' says how much of it each used. Raw forward passes have the whole machine, no HTTP and no parsing.

            {throughput.Table()}
            The endpoint that does nothing: a Kestrel in a process of its own that reads the same body and answers one number. The generator shares the machine with either.

            {throughput.CrowdTable()}
            One client, one input as .npy, each request after the answer to the one before. Busy: a job of 256 chains fills all slots.

            {table}
            A raw forward pass of one tile of 8 on one thread takes {Spread.Of(throughput.RawTile).Show("F2")} ms; the idle median is {ofTiles.Show("F2")} times that.
            """;
    }
}
