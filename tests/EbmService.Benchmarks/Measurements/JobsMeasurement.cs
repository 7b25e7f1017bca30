using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>The same chain-steps in one job and in many at once.</summary>
internal sealed class JobsMeasurement : IMeasurement
{
    private const int Chains = 1024;
    private const int BlockSize = 16;
    private static readonly int[] Counts = [1, 4, 16, 64];

    public string Name => "jobs";

    public string Title => "jobs: many at once";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        await using ServiceProcess service = await context.StartServiceAsync();
        await using SamplingClient client = await SamplingClient.ConnectAsync(service);
        int steps = context.Options.Shortened(60, 6);
        Dictionary<int, List<double>> rates = Counts.ToDictionary(count => count, _ => new List<double>());
        await client.RunAllAsync(Requests(64, 2));
        for (int round = 0; round < context.Options.ActualRounds; round++)
        {
            foreach (int count in Counts)
                rates[count].Add(Chains * steps / await client.RunAllAsync(Requests(count, steps)));
            BenchmarkContext.Say($"jobs, round {round + 1}: {string.Join("; ", Counts.Select(count => $"{count}: {rates[count][round]:N0} /s"))}");
        }
        var table = new MarkdownTable("jobs at once", "chains each", "chain-steps per second", "ratio to one job");
        foreach (int count in Counts)
            table.Row($"{count}", $"{Chains / count}", Spread.Of(rates[count]).Show("N0"), Spread.OfRatios(rates[count], rates[1]).Show("F2"));
        string text = $"{BenchmarkModels.Bundled}, {Chains} chains in all, {steps} steps, blocks of {BlockSize}; from the first request until the last job is stored.\n\n{table}";
        return new MeasurementResult(text, new { chains = Chains, steps, chainStepsPerSecond = rates });
    }

    private static SamplingRequest[] Requests(int count, int steps) =>
        [.. Enumerable.Range(0, count).Select(i => new SamplingRequest(BenchmarkModels.Bundled, Chains / count, steps, BlockSize, Seed: i))];
}
