using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Service;

namespace EbmService.Benchmarks.Measurements;

/// <summary>(b) Energy requests of one input from 32 connections against forward passes without HTTP; one entry per round.</summary>
/// <param name="RawBatch">Inputs per second in batches of 32 on libtorch's own threads.</param>
/// <param name="RawTiles">Inputs per second in tiles of 8 on one thread per core: what the service computes with.</param>
internal sealed record ThroughputMeasurement(
    IReadOnlyList<double> RawBatch, IReadOnlyList<double> RawTiles, IReadOnlyList<EnergyLoad> Binary, IReadOnlyList<EnergyLoad> Json)
{
    public const int Connections = 32;
    private const int BatchRows = 32;
    private const int TileRows = 8;

    public static async Task<ThroughputMeasurement> RunAsync(BenchmarkOptions options, EnergyClient binary, EnergyClient json, PlainProcess plain)
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
            Console.WriteLine($"energy, round {round + 1}: raw {batch[round]:F0} and {tiles[round]:F0} /s; npy {binaryLoads[round].PerSecond:F0} /s; JSON {jsonLoads[round].PerSecond:F0} /s");
        }
        return new ThroughputMeasurement(batch, tiles, binaryLoads, jsonLoads);
    }
}
