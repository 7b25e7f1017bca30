using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>A model whose step takes microseconds: what the service's own work costs.</summary>
internal sealed class SmallMeasurement : IMeasurement
{
    private static readonly int[] Chains = [64, 1024];

    public string Name => "small";

    public string Title => "small: the two-moons MLP";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        await using ServiceProcess one = await context.StartServiceAsync(slots: 1), two = await context.StartServiceAsync(slots: 2);
        await using SamplingClient oneSlot = await SamplingClient.ConnectAsync(one), twoSlots = await SamplingClient.ConnectAsync(two);
        using LoopProcess loop = LoopProcess.TorchSharp(context.Models.VersionFolder(BenchmarkModels.Moons));
        var table = new MarkdownTable("chains", "", "µs per step", "ratio to the plain loop", "fraction of one core's matrix product");
        var figures = new Dictionary<string, object>();
        foreach (int chains in Chains)
        {
            int steps = context.Options.Shortened(chains == 64 ? 20_000 : 2_000);
            var request = new SamplingRequest(BenchmarkModels.Moons, chains, steps, chains);
            SmallRounds rounds = new([], [], [], []);
            for (int round = 0; round <= context.Options.ActualRounds; round++)
            {
                SmallRound now = new(
                    await loop.SampleAsync(chains, steps, threads: 1), await oneSlot.RunAsync(request),
                    await twoSlots.RunAsync(request with { Chains = 2 * chains }) / 2, await loop.GemmAsync(512, 1, context.Options.LoadTime / 8, "float32"));
                // Round 0 warms up.
                if (round > 0)
                    rounds.Add(now);
                BenchmarkContext.Say($"small, {chains} chains, round {round}: plain {now.Plain / steps * 1e6:F1} us, one slot {now.OneSlot / steps * 1e6:F1}, two {now.TwoSlots / steps * 1e6:F1}");
            }
            rounds.Rows(table, chains, steps, context.Models.FlopsPerChainStep(BenchmarkModels.Moons));
            figures[$"{chains}"] = new { steps, seconds = rounds };
        }
        string text = $"""
            One step moves all the chains once. The plain loop: libtorch on one thread. One slot: a service with `Worker:Slots` 1 and a job in one block.
            Two slots: twice the chains in two blocks; its time is halved, so that all three are per {string.Join(" or ", Chains)} chains. A service's time includes HTTP, its diagnostics and storing.

            {table}
            """;
        return new MeasurementResult(text, figures);
    }
}

/// <summary>Seconds of one round, and the GFLOP/s of a matrix product in it.</summary>
internal sealed record SmallRound(double Plain, double OneSlot, double TwoSlots, double Gemm);

/// <summary>All rounds, column by column.</summary>
internal sealed record SmallRounds(List<double> Plain, List<double> OneSlot, List<double> TwoSlots, List<double> Gemm)
{
    public void Add(SmallRound round)
    {
        Plain.Add(round.Plain);
        OneSlot.Add(round.OneSlot);
        TwoSlots.Add(round.TwoSlots);
        Gemm.Add(round.Gemm);
    }

    public void Rows(MarkdownTable table, int chains, int steps, double flops)
    {
        foreach ((string name, List<double> seconds) in new[] { ("plain loop, one thread", Plain), ("service, one slot", OneSlot), ("service, two slots", TwoSlots) })
        {
            IEnumerable<double> gflops = seconds.Select(each => 1e-9 * flops * chains * steps / each);
            table.Row($"{chains}", name, Spread.Of(seconds.Select(each => each / steps * 1e6)).Show("F1"),
                ReferenceEquals(seconds, Plain) ? "1" : Spread.OfRatios(Plain, seconds).Show("F2"), Spread.OfRatios(gflops, Gemm).Show("F2"));
        }
    }
}
