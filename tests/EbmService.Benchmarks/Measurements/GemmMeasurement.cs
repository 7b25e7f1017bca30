using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>What the machine multiplies matrices at, and which fraction of it a job reaches.</summary>
internal sealed class GemmMeasurement : IMeasurement
{
    private static readonly int[] Sizes = [512, 1024];
    private static readonly string[] Precisions = ["float32", "bfloat16"];

    public string Name => "gemm";

    public string Title => "gemm: floating-point operations per second against libtorch's matrix product";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        await using ServiceProcess service = await context.StartServiceAsync();
        await using SamplingClient client = await SamplingClient.ConnectAsync(service);
        using LoopProcess loop = LoopProcess.TorchSharp(context.Models.VersionFolder(BenchmarkModels.Bundled));
        Dictionary<string, List<double>> peaks = Precisions.ToDictionary(each => each, _ => new List<double>()), rates = [];
        for (int round = 0; round <= context.Options.ActualRounds; round++)
        {
            foreach (string precision in Precisions)
            {
                double peak = await PeakAsync(loop, precision, context.Options.LoadTime / 4);
                // Round 0 warms up.
                if (round > 0)
                    peaks[precision].Add(peak);
                foreach ((string model, int steps) in new[] { (BenchmarkModels.Bundled, 100), (BenchmarkModels.Reference, 25) })
                {
                    double rate = await RateAsync(context, client, model, precision, context.Options.Shortened(steps));
                    if (round > 0)
                        Of(rates, $"{model}, {precision}").Add(rate);
                }
            }
            BenchmarkContext.Say($"gemm, round {round}: {string.Join("; ", peaks.Select(each => $"{each.Key} {each.Value.LastOrDefault():F0} GFLOP/s"))}");
        }
        return new MeasurementResult(Text(peaks, rates), new { gflopsOfGemm = peaks, gflopsOfJobs = rates });
    }

    /// <summary>The better of two sizes, on a thread per core.</summary>
    private static async Task<double> PeakAsync(LoopProcess loop, string precision, TimeSpan length)
    {
        double best = 0;
        foreach (int size in Sizes)
            best = Math.Max(best, await loop.GemmAsync(size, Environment.ProcessorCount, length, precision));
        return best;
    }

    private static async Task<double> RateAsync(BenchmarkContext context, SamplingClient client, string model, string precision, int steps)
    {
        var request = new SamplingRequest(model, MainMeasurement.Chains, steps, 32, Precision: precision);
        double seconds = await client.RunAsync(request);
        return 1e-9 * request.Chains * request.Steps * context.Models.FlopsPerChainStep(model) / seconds;
    }

    private static string Text(Dictionary<string, List<double>> peaks, Dictionary<string, List<double>> rates)
    {
        var table = new MarkdownTable("", "GFLOP/s", "fraction of the product's");
        foreach ((string precision, List<double> values) in peaks)
            table.Row($"matrix product, {precision}", Spread.Of(values).Show("N0"), "1");
        foreach ((string name, List<double> values) in rates)
            table.Row($"service, {name}", Spread.Of(values).Show("N0"), Spread.OfRatios(values, peaks[name.Split(", ")[1]]).Show("F2"));
        return $"""
            The product: square matrices of {string.Join(" or ", Sizes)}, the better one, one thread per core with an operand pair each. libtorch takes MKL for float32, which on AMD's CPUs
            leaves half of AVX-512 unused; oneDNN's convolutions don't, so a fraction above 1 is no mistake. A job's operations are those of its layers, two passes; noise, SiLU, clips,
            HTTP and storage count as time only. {MainMeasurement.Chains} chains in blocks of 32.

            {table}
            """;
    }

    private static List<double> Of(Dictionary<string, List<double>> lists, string key) =>
        lists.TryGetValue(key, out List<double>? list) ? list : lists[key] = [];
}
