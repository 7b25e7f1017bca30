using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>How much memory keeping every state costs, over the same job that keeps none.</summary>
internal sealed class TrajectoryMeasurement : IMeasurement
{
    private const int Chains = 512;
    private const int BlockSize = 256;
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(20);

    public string Name => "trajectory";

    public string Title => "trajectory: memory of a job that keeps every state";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        int steps = context.Options.Shortened(40_000);
        double partMiB = (double)steps * BlockSize * 2 * sizeof(float) / (1 << 20);
        List<double> without = [], with = [];
        for (int round = 0; round < context.Options.ActualRounds; round++)
        {
            without.Add(await GrowthAsync(context, steps, thin: null));
            with.Add(await GrowthAsync(context, steps, thin: 1));
            BenchmarkContext.Say($"trajectory, round {round + 1}: {without[round]:F0} MiB without, {with[round]:F0} MiB with");
        }
        double[] more = [.. with.Zip(without, (a, b) => a - b)];
        var table = new MarkdownTable("growth of resident memory from ready to its peak", "MiB");
        table.Row("no states kept", Spread.Of(without).Show("F0"));
        table.Row("every state kept", Spread.Of(with).Show("F0"));
        table.Row("what keeping them costs", Spread.Of(more).Show("F0"));
        table.Row("the same in parts of one block", Spread.Of(more.Select(mib => mib / partMiB)).Show("F2"));
        string text = FormattableString.Invariant(
            $"{BenchmarkModels.Moons}, {Chains} chains in blocks of {BlockSize}, {steps} steps: one block keeps {partMiB:F0} MiB. A fresh service each.\n\n{table}");
        return new MeasurementResult(text, new { steps, partMiB, without, with });
    }

    /// <returns>MiB.</returns>
    private static async Task<double> GrowthAsync(BenchmarkContext context, int steps, int? thin)
    {
        await using ServiceProcess service = await context.StartServiceAsync();
        await using SamplingClient client = await SamplingClient.ConnectAsync(service);
        await client.RunAsync(new SamplingRequest(BenchmarkModels.Moons, Chains, steps / 20, BlockSize));
        long before = service.ResidentBytes, peak = before;
        Task job = client.RunAllAsync([new SamplingRequest(BenchmarkModels.Moons, Chains, steps, BlockSize, Thin: thin)]);
        while (!job.IsCompleted)
        {
            peak = Math.Max(peak, service.ResidentBytes);
            await Task.Delay(Between);
        }
        await job;
        return (peak - before) / (double)(1 << 20);
    }
}
