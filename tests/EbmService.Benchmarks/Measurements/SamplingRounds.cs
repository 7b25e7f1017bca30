using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>Ways to run the same chains, each timed once a round, one after the other.</summary>
internal sealed class SamplingRounds(int chains, int steps)
{
    private readonly List<(string Name, Func<Task<double>> Work, Func<TimeSpan> Processor, List<Timing> Timings)> _ways = [];

    /// <value>Every round's timings by way; the first way is the baseline.</value>
    public IReadOnlyDictionary<string, IReadOnlyList<Timing>> Timings =>
        _ways.ToDictionary(way => way.Name, way => (IReadOnlyList<Timing>)way.Timings);

    public void AddLoop(string name, LoopProcess loop, string precision = "float32", int threads = 0) =>
        _ways.Add((name, () => loop.SampleAsync(chains, steps, precision, threads), () => loop.ProcessorTime, []));

    public void AddService(string name, ServiceProcess process, SamplingClient client, SamplingRequest request) =>
        _ways.Add((name, () => client.RunAsync(request with { Chains = chains, Steps = steps }), () => process.ProcessorTime, []));

    /// <param name="work">As much as so many chains of so many steps; answers its seconds.</param>
    public void AddWay(string name, Func<Task<double>> work, Func<TimeSpan> processor) => _ways.Add((name, work, processor, []));

    /// <summary>Round by round, how many times faster one way is than another.</summary>
    public Spread Ratio(string name, string other) =>
        Spread.OfRatios(Timings[other].Select(each => each.Seconds), Timings[name].Select(each => each.Seconds));

    public async Task RunAsync(string title, int rounds)
    {
        // Warm: models loaded, code compiled, oneDNN's kernels made.
        foreach ((_, Func<Task<double>> work, _, _) in _ways)
            await work();
        for (int round = 0; round < rounds; round++)
        {
            foreach ((_, Func<Task<double>> work, Func<TimeSpan> processor, List<Timing> timings) in _ways)
                timings.Add(await Timing.OfAsync(work, processor));
            BenchmarkContext.Say($"{title}, round {round + 1}: {string.Join("; ", _ways.Select(way => $"{way.Name} {way.Timings[round]}"))}");
        }
    }

    public Spread Rate(string name) => Spread.Of(Timings[name].Select(each => (double)chains * steps / each.Seconds));

    public Spread CoreRate(string name) => Spread.Of(Timings[name].Select(each => chains * steps / each.CoreSeconds));

    public string Table()
    {
        var table = new MarkdownTable("", "chain-steps per second", $"ratio to {_ways[0].Name}", "chain-steps per core-second");
        foreach ((string name, _, _, List<Timing> timings) in _ways)
        {
            Spread ratio = Spread.OfRatios(_ways[0].Timings.Select(each => each.Seconds), timings.Select(each => each.Seconds));
            table.Row(name, Rate(name).Show("N0"), ReferenceEquals(timings, _ways[0].Timings) ? "1" : ratio.Show("F2"),
                CoreRate(name).Show("N0"));
        }
        return table.ToString();
    }
}
