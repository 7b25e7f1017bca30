using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>Energy and gradient norm of a running job's chains, from the draws that its blocks have told of.</summary>
internal static class SamplingLiveTrace
{
    private const int MostPoints = 256;
    private const int MostChains = 64;
    private static readonly string[] s_shown = ["energy", "gradientNorm"];

    public static JobTraceResponse Create(IReadOnlyList<ChainSeries> blocks)
    {
        ChainSeries[] told = [.. blocks.Where(block => block.Chains > 0 && block.Draws > 0)];
        if (told.Length == 0)
            return JobTraceResponse.Empty;
        // Intervals are powers of two: the coarsest points are everybody's.
        int interval = told.Max(block => block.Interval), warmup = told[0].FirstStep - told[0].Interval;
        int last = told.Min(block => warmup + block.Draws * block.Interval);
        int every = interval * Math.Max(1, ((last - warmup) / interval + MostPoints - 1) / MostPoints);
        int[] steps = [.. Enumerable.Range(1, (last - warmup) / every).Select(point => warmup + point * every)];
        return new JobTraceResponse(last, steps, [.. s_shown.Select(name => Quantity(name, told, steps, warmup))]);
    }

    private static JobTraceQuantity Quantity(string name, ChainSeries[] blocks, int[] steps, int warmup)
    {
        int index = blocks[0].Names.Index().First(one => one.Item == name).Index, chains = blocks.Sum(block => block.Chains);
        float[] mean = new float[steps.Length], deviation = new float[steps.Length];
        float?[][] alone = [.. Enumerable.Range(0, Math.Min(MostChains, chains)).Select(_ => new float?[steps.Length])];
        for (int point = 0; point < steps.Length; point++)
        {
            double sum = 0, squares = 0;
            int count = 0, chain = 0;
            foreach (ChainSeries block in blocks)
            {
                int draw = (steps[point] - warmup) / block.Interval - 1;
                foreach (float value in block.Values.AsSpan((draw * block.Names.Count + index) * block.Chains, block.Chains))
                {
                    bool isFinite = float.IsFinite(value);
                    if (isFinite)
                        (sum, squares, count) = (sum + value, squares + (double)value * value, count + 1);
                    if (chain < alone.Length)
                        alone[chain][point] = isFinite ? value : null;
                    chain++;
                }
            }
            double average = count == 0 ? 0 : sum / count;
            mean[point] = (float)average;
            deviation[point] = count == 0 ? 0 : (float)Math.Sqrt(Math.Max(0, squares / count - average * average));
        }
        return new JobTraceQuantity(name, mean, deviation, alone);
    }
}
