using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Service;

namespace EbmService.Benchmarks.Measurements;

/// <summary>(a) One sampling job through HTTP at several block sizes against one batch in a plain loop; seconds per round.</summary>
/// <param name="DefaultBlockSize">What a request that names none gets.</param>
internal sealed record SamplingMeasurement(
    int Chains, int Steps, int DefaultBlockSize, IReadOnlyList<double> PlainSeconds, IReadOnlyDictionary<int, double[]> ServiceSeconds)
{
    private static readonly int[] BlockSizes = [4, 8, 16, 32, 64];

    /// <summary>Chain-steps per second.</summary>
    public Spread PlainRate => Rate(PlainSeconds);

    public int BestBlockSize => ServiceSeconds.Keys.MaxBy(size => ServiceRate(size).Median);

    public Spread ServiceRate(int blockSize) => Rate(ServiceSeconds[blockSize]);

    /// <summary>Service over plain loop, round by round.</summary>
    public Spread Ratio(int blockSize) => Spread.Of(PlainSeconds.Zip(ServiceSeconds[blockSize], (plain, service) => plain / service));

    public static async Task<SamplingMeasurement> RunAsync(BenchmarkOptions options, SamplingClient client, PlainProcess plain, int defaultBlockSize)
    {
        int[] sizes = [.. BlockSizes.Append(defaultBlockSize).Distinct().Order()];
        Dictionary<int, double[]> service = sizes.ToDictionary(size => size, _ => new double[options.ActualRounds]);
        var plainSeconds = new double[options.ActualRounds];
        await client.RunAsync(64, 10, null, seed: 1);
        await plain.SampleAsync(64, 10);
        for (int round = 0; round < options.ActualRounds; round++)
        {
            plainSeconds[round] = await plain.SampleAsync(options.Chains, options.Steps);
            foreach (int size in sizes)
                service[size][round] = await client.RunAsync(options.Chains, options.Steps, size, seed: round);
            Console.WriteLine($"sampling, round {round + 1}: plain {plainSeconds[round]:F2} s; {string.Join("; ", sizes.Select(size => $"blocks of {size} {service[size][round]:F2} s"))}");
        }
        return new SamplingMeasurement(options.Chains, options.Steps, defaultBlockSize, plainSeconds, service);
    }

    private Spread Rate(IEnumerable<double> seconds) => Spread.Of(seconds.Select(each => (double)Chains * Steps / each));
}
