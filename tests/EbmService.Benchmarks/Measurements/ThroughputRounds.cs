using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;

namespace EbmService.Benchmarks.Measurements;

/// <summary>Energy requests of one input from 32 connections against forward passes without HTTP; one entry per round.</summary>
/// <param name="RawBatch">Inputs per second in batches of 32 on libtorch's own threads.</param>
/// <param name="RawTiles">Inputs per second in tiles of 8 on one thread per core: what the service computes with.</param>
internal sealed record ThroughputRounds(
    IReadOnlyList<double> RawBatch, IReadOnlyList<double> RawTiles, IReadOnlyList<EnergyLoad> Binary, IReadOnlyList<EnergyLoad> Json)
{
    public const int Connections = 32;
    private const int BatchRows = 32;
    private const int TileRows = 8;

    public static async Task<ThroughputRounds> RunAsync(BenchmarkOptions options, EnergyClient binary, EnergyClient json, LoopProcess plain)
    {
        List<double> batch = [], tiles = [];
        List<EnergyLoad> binaryLoads = [], jsonLoads = [];
        await binary.LoadAsync(Connections, options.LoadTime / 4);
        await json.LoadAsync(Connections, options.LoadTime / 4);
        for (int round = 0; round < options.ActualRounds; round++)
        {
            batch.Add(await plain.ForwardAsync(BatchRows, 0, options.LoadTime / 2));
            binaryLoads.Add(await binary.LoadAsync(Connections, options.LoadTime));
            tiles.Add(await plain.ForwardAsync(TileRows, Environment.ProcessorCount, options.LoadTime / 2));
            jsonLoads.Add(await json.LoadAsync(Connections, options.LoadTime));
            BenchmarkContext.Say($"energy, round {round + 1}: raw {batch[round]:F0} and {tiles[round]:F0} /s; npy {binaryLoads[round].PerSecond:F0} /s; JSON {jsonLoads[round].PerSecond:F0} /s");
        }
        return new ThroughputRounds(batch, tiles, binaryLoads, jsonLoads);
    }

    public string Table()
    {
        var table = new MarkdownTable("", "inputs per second", "ratio to tiles of 8", "p50 ms", "p99 ms", "service, cores", "generator, cores");
        table.Row("raw forward, batches of 32, libtorch's threads", Spread.Of(RawBatch).Show("N0"), Spread.OfRatios(RawBatch, RawTiles).Show("F2"), "", "", "", "");
        table.Row("raw forward, tiles of 8, one thread per core", Spread.Of(RawTiles).Show("N0"), "1", "", "", "", "");
        foreach ((string name, IReadOnlyList<EnergyLoad> loads) in new[] { ("service, .npy", Binary), ("service, JSON", Json) })
        {
            string Of(Func<EnergyLoad, double> value, string format) => Spread.Of(loads.Select(value)).Show(format);
            table.Row(name, Of(load => load.PerSecond, "N0"), Spread.OfRatios(loads.Select(load => load.PerSecond), RawTiles).Show("F2"),
                Of(load => load.P50, "F1"), Of(load => load.P99, "F1"), Of(load => load.ServiceCores, "F2"), Of(load => load.ClientCores, "F2"));
        }
        return table.ToString();
    }
}
