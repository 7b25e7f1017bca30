using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>How the cost of a chain-step moves with the number of chains and with the image's side.</summary>
internal sealed class GrowthMeasurement : IMeasurement
{
    private const int SideChains = 64;

    public string Name => "growth";

    public string Title => "growth: cost of a chain-step";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        await using ServiceProcess service = await context.StartServiceAsync();
        await using SamplingClient client = await SamplingClient.ConnectAsync(service);
        int[] chains = [.. Enumerable.Range(0, 7).Select(power => 1 << (2 * power))];
        List<SamplingRequest> requests =
        [
            .. chains.Select(count => new SamplingRequest(BenchmarkModels.Bundled, count, Steps(context, 16_000 / count))),
            .. BenchmarkModels.Sides.Select(side => new SamplingRequest(BenchmarkModels.OfSide(side), SideChains, Steps(context, 160 * 16 * 16 / (side * side)))),
        ];
        Dictionary<SamplingRequest, List<double>> micros = requests.ToDictionary(request => request, _ => new List<double>());
        for (int round = 0; round <= context.Options.ActualRounds; round++)
        {
            foreach (SamplingRequest request in requests)
            {
                double seconds = await client.RunAsync(round == 0 ? request with { Steps = 2 } : request);
                // Round 0 warms up.
                if (round > 0)
                    micros[request].Add(seconds * 1e6 / request.Chains / request.Steps);
            }
            BenchmarkContext.Say($"growth, round {round}: {string.Join("; ", requests.Select(each => $"{each.Model} x{each.Chains} {micros[each].LastOrDefault():F0} us"))}");
        }
        return Result(requests, micros);
    }

    private static int Steps(BenchmarkContext context, int full) => context.Options.Shortened(Math.Clamp(full, 8, 800), 4);

    private static MeasurementResult Result(List<SamplingRequest> requests, Dictionary<SamplingRequest, List<double>> micros)
    {
        var byChains = new MarkdownTable("chains", "steps", "µs per chain-step");
        var bySide = new MarkdownTable("side", "steps", "µs per chain-step", "ns per chain-step and pixel");
        foreach (SamplingRequest request in requests)
        {
            Spread cost = Spread.Of(micros[request]);
            if (request.Model == BenchmarkModels.Bundled)
            {
                byChains.Row($"{request.Chains}", $"{request.Steps}", cost.Show("F0"));
                continue;
            }
            int side = int.Parse(request.Model.Split('-')[1], System.Globalization.CultureInfo.InvariantCulture);
            bySide.Row($"{side}", $"{request.Steps}", cost.Show("F0"), Spread.Of(micros[request].Select(each => 1000 * each / side / side)).Show("F0"));
        }
        string text = $"""
            All through the service, fetching included: a job's fixed cost, some ten milliseconds, is spread over its chain-steps.

            {BenchmarkModels.Bundled}, its default block size:

            {byChains}
            Its layers over larger images, random weights, {SideChains} chains in blocks of the service's default:

            {bySide}
            """;
        return new MeasurementResult(text, micros.Select(each => new { each.Key.Model, each.Key.Chains, each.Key.Steps, microsPerChainStep = each.Value }).ToArray());
    }
}
