using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;

namespace EbmService.Benchmarks.Measurements;

/// <summary>
/// Energy requests of one input from 32 connections against forward passes without HTTP, and from several numbers of connections against an endpoint that
/// does nothing; one entry per round.
/// </summary>
/// <param name="RawBatch">Inputs per second in batches of 32 on libtorch's own threads.</param>
/// <param name="RawTiles">Inputs per second in tiles of 8 on one thread per core: what the service computes with.</param>
/// <param name="RawTile">Milliseconds of one tile of 8 on one thread.</param>
/// <param name="Nothing">By the number of connections: the endpoint that does nothing.</param>
/// <param name="Service">By the number of connections: energies as .npy.</param>
internal sealed record ThroughputRounds(
    IReadOnlyList<double> RawBatch, IReadOnlyList<double> RawTiles, IReadOnlyList<double> RawTile, IReadOnlyList<EnergyLoad> Binary, IReadOnlyList<EnergyLoad> Json,
    IReadOnlyDictionary<int, List<EnergyLoad>> Nothing, IReadOnlyDictionary<int, List<EnergyLoad>> Service)
{
    public const int Connections = 32;
    private static readonly int[] s_crowds = [1, 8, 64];
    private const int BatchRows = 32;
    private const int TileRows = 8;

    public static async Task<ThroughputRounds> RunAsync(BenchmarkOptions options, EnergyClient binary, EnergyClient json, EnergyClient nothing, LoopProcess plain)
    {
        List<double> batch = [], tiles = [], tile = [];
        Dictionary<int, List<EnergyLoad>> nothings = s_crowds.ToDictionary(crowd => crowd, _ => new List<EnergyLoad>());
        Dictionary<int, List<EnergyLoad>> services = s_crowds.ToDictionary(crowd => crowd, _ => new List<EnergyLoad>());
        List<EnergyLoad> binaryLoads = [], jsonLoads = [];
        await binary.LoadAsync(Connections, options.LoadTime / 4);
        await json.LoadAsync(Connections, options.LoadTime / 4);
        await nothing.LoadAsync(Connections, options.LoadTime / 4);
        for (int round = 0; round < options.ActualRounds; round++)
        {
            batch.Add(await plain.ForwardAsync(BatchRows, 0, options.LoadTime / 2));
            binaryLoads.Add(await binary.LoadAsync(Connections, options.LoadTime));
            tiles.Add(await plain.ForwardAsync(TileRows, Environment.ProcessorCount, options.LoadTime / 2));
            jsonLoads.Add(await json.LoadAsync(Connections, options.LoadTime));
            tile.Add(1000 * TileRows / await plain.ForwardAsync(TileRows, 1, options.LoadTime / 2));
            foreach (int crowd in s_crowds)
            {
                nothings[crowd].Add(await nothing.LoadAsync(crowd, options.LoadTime / 2));
                services[crowd].Add(await binary.LoadAsync(crowd, options.LoadTime / 2));
                BenchmarkContext.Say($"{crowd} connections: nothing {nothings[crowd][round].PerSecond:F0} /s, service {services[crowd][round].PerSecond:F0} /s; {nothings[crowd][round].ServiceMicroseconds:F0} and {services[crowd][round].ServiceMicroseconds:F0} us of a core a request");
            }
            BenchmarkContext.Say($"energy, round {round + 1}: raw {batch[round]:F0} and {tiles[round]:F0} /s; npy {binaryLoads[round].PerSecond:F0} /s; JSON {jsonLoads[round].PerSecond:F0} /s");
        }
        return new ThroughputRounds(batch, tiles, tile, binaryLoads, jsonLoads, nothings, services);
    }

    /// <summary>Requests per second against the smaller of what HTTP alone and computing alone could do.</summary>
    public string CrowdTable()
    {
        var table = new MarkdownTable("connections", "endpoint that does nothing, /s", "service, .npy, /s", "ratio to the smaller of it and raw tiles", "p50 ms", "p99 ms", "processor us a request: nothing", "service");
        foreach ((int crowd, List<EnergyLoad> loads) in Service)
        {
            string Of(Func<EnergyLoad, double> value, string format) => Spread.Of(loads.Select(value)).Show(format);
            IEnumerable<double> limits = Nothing[crowd].Zip(RawTiles, (nothing, tiles) => Math.Min(nothing.PerSecond, tiles));
            table.Row($"{crowd}", Spread.Of(Nothing[crowd].Select(load => load.PerSecond)).Show("N0"), Of(load => load.PerSecond, "N0"),
                Spread.OfRatios(loads.Select(load => load.PerSecond), limits).Show("F2"),
                Of(load => load.P50, "F2"), Of(load => load.P99, "F2"),
                Spread.Of(Nothing[crowd].Select(load => load.ServiceMicroseconds)).Show("F0"), Of(load => load.ServiceMicroseconds, "F0"));
        }
        return table.ToString();
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
