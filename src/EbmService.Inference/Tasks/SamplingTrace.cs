using EbmService.Core.Diagnostics;
using EbmService.Core.Sampling;

namespace EbmService.Inference.Tasks;

/// <summary>The file trace.json: how energies and gradient norms went, over all chains and for the first few alone.</summary>
/// <param name="Steps">0-based step of each point; values are those before the step.</param>
/// <param name="EnergyStandardDeviation">Across chains.</param>
internal sealed record SamplingTrace(
    IReadOnlyList<long> Steps, IReadOnlyList<double> EnergyMean, IReadOnlyList<double> EnergyStandardDeviation,
    IReadOnlyList<double> GradientNormMean, JobDiagnostics Diagnostics, IReadOnlyList<SamplingTraceChain> Chains)
{
    private const int MaxChains = 64;

    public static SamplingTrace Create(SamplingSpec spec, IReadOnlyList<SamplingBlock> blocks, JobDiagnostics diagnostics)
    {
        // After a cancel blocks stop at different steps: points that not all reached are averaged over those that did.
        long[] steps = blocks.Select(block => block.TraceSteps).MaxBy(points => points.Length) ?? [];
        var energyMean = new double[steps.Length];
        var energyDeviation = new double[steps.Length];
        var normMean = new double[steps.Length];
        for (int point = 0; point < steps.Length; point++)
        {
            (energyMean[point], energyDeviation[point]) = Moments(blocks, block => block.TraceEnergy, point);
            (normMean[point], _) = Moments(blocks, block => block.TraceGradientNorm, point);
        }
        return new SamplingTrace(steps, energyMean, energyDeviation, normMean, diagnostics, [.. Single(spec, blocks).Take(MaxChains)]);
    }

    private static (double Mean, double Deviation) Moments(
        IReadOnlyList<SamplingBlock> blocks, Func<SamplingBlock, float[]> values, int point)
    {
        double sum = 0, squares = 0;
        int count = 0;
        foreach (SamplingBlock block in blocks.Where(block => block.TraceSteps.Length > point))
        {
            foreach (float value in values(block).AsSpan(point * block.Block.Chains, block.Block.Chains))
            {
                if (!float.IsFinite(value))
                    continue;
                (sum, squares, count) = (sum + value, squares + (double)value * value, count + 1);
            }
        }
        double mean = count == 0 ? 0 : sum / count;
        return (mean, count == 0 ? 0 : Math.Sqrt(Math.Max(0, squares / count - mean * mean)));
    }

    private static IEnumerable<SamplingTraceChain> Single(SamplingSpec spec, IReadOnlyList<SamplingBlock> blocks)
    {
        foreach (SamplingBlock block in blocks)
        {
            int[] labels = ChainLabels.Of(spec, block.Block);
            for (int i = 0; i < block.Block.Chains; i++)
            {
                yield return new(block.Block.FirstChain + i, labels[i] < 0 ? null : labels[i], block.Alive[i] == 0,
                    Column(block, block.TraceEnergy, i), Column(block, block.TraceGradientNorm, i));
            }
        }
    }

    private static double?[] Column(SamplingBlock block, float[] values, int chain)
    {
        var column = new double?[block.TraceSteps.Length];
        for (int point = 0; point < column.Length; point++)
        {
            float value = values[point * block.Block.Chains + chain];
            column[point] = float.IsFinite(value) ? value : null;
        }
        return column;
    }
}

/// <summary>One chain's energies and gradient norms at the trace's steps; null where they were not finite.</summary>
internal sealed record SamplingTraceChain(int Chain, int? Label, bool Diverged, IReadOnlyList<double?> Energy, IReadOnlyList<double?> GradientNorm);
