using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>(a) One sampling job through HTTP at several block sizes against one batch in a plain loop; one entry per round.</summary>
/// <param name="DefaultBlockSize">What a request that names none gets.</param>
internal sealed record SamplingMeasurement(
    int Chains, int Steps, int DefaultBlockSize, IReadOnlyList<Timing> Plain, IReadOnlyDictionary<int, Timing[]> Service,
    IReadOnlyList<Timing> ServiceBfloat16)
{
    private static readonly int[] BlockSizes = [8, 16, 32, 64];

    public IEnumerable<int> BlockSizesAscending => Service.Keys.Order();

    public int BestBlockSize => Service.Keys.MaxBy(size => Rate(Service[size]).Median);

    /// <summary>Chain-steps per second on the clock.</summary>
    public Spread Rate(IEnumerable<Timing> timings) => Spread.Of(timings.Select(each => (double)Chains * Steps / each.Seconds));

    /// <summary>Chain-steps per second that a core spent: what other work on the machine disturbs least.</summary>
    public Spread CoreRate(IEnumerable<Timing> timings) => Spread.Of(timings.Select(each => (double)Chains * Steps / each.CoreSeconds));

    /// <summary>Service over plain loop, round by round.</summary>
    public Spread Ratio(IEnumerable<Timing> timings) => Spread.Of(Plain.Zip(timings, (plain, service) => plain.Seconds / service.Seconds));

    public static async Task<SamplingMeasurement> RunAsync(
        BenchmarkOptions options, ServiceProcess process, SamplingClient client, PlainProcess plain, int defaultBlockSize)
    {
        int[] sizes = [.. BlockSizes.Append(defaultBlockSize).Distinct().Order()];
        Dictionary<int, Timing[]> service = sizes.ToDictionary(size => size, _ => new Timing[options.ActualRounds]);
        var alone = new Timing[options.ActualRounds];
        var low = new Timing[options.ActualRounds];
        await client.RunAsync(options.Chains, options.Steps / 4, null, seed: 1);
        await client.RunAsync(options.Chains, options.Steps / 4, null, seed: 1, precision: "bfloat16");
        await plain.SampleAsync(options.Chains, options.Steps / 4);
        for (int round = 0; round < options.ActualRounds; round++)
        {
            alone[round] = await TimeAsync(() => plain.SampleAsync(options.Chains, options.Steps), () => plain.ProcessorTime);
            foreach (int size in sizes)
                service[size][round] = await TimeAsync(() => client.RunAsync(options.Chains, options.Steps, size, seed: round), () => process.ProcessorTime);
            low[round] = await TimeAsync(
                () => client.RunAsync(options.Chains, options.Steps, defaultBlockSize, seed: round, precision: "bfloat16"), () => process.ProcessorTime);
            Console.WriteLine($"sampling, round {round + 1}: plain {alone[round]}; {string.Join("; ", sizes.Select(size => $"blocks of {size} {service[size][round]}"))}; bfloat16 {low[round]}");
        }
        return new SamplingMeasurement(options.Chains, options.Steps, defaultBlockSize, alone, service, low);
    }

    private static async Task<Timing> TimeAsync(Func<Task<double>> work, Func<TimeSpan> processorTime)
    {
        TimeSpan before = processorTime();
        double seconds = await work();
        return new Timing(seconds, (processorTime() - before).TotalSeconds);
    }
}

/// <summary>How long something took.</summary>
/// <param name="Seconds">On the clock.</param>
/// <param name="CoreSeconds">Processor time of the process that did it, over all its threads.</param>
internal sealed record Timing(double Seconds, double CoreSeconds)
{
    public override string ToString() => $"{Seconds:F2} s ({CoreSeconds:F2} core-s)";
}
