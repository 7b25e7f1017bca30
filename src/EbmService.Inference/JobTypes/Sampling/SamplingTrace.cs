using EbmService.Core.Diagnostics;
using EbmService.Core.Sampling;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>The file trace.json: how energies and gradient norms went, over all chains and for the first few alone.</summary>
/// <param name="Steps">0-based step of each point; values are those before the step, of kernels that accept and reject and of underdamped those after it.</param>
/// <param name="EnergyStandardDeviation">Across chains.</param>
internal sealed record SamplingTrace(
    IReadOnlyList<long> Steps, IReadOnlyList<double> EnergyMean, IReadOnlyList<double> EnergyStandardDeviation,
    IReadOnlyList<double> GradientNormMean, JobDiagnostics Diagnostics, IReadOnlyList<SamplingTraceChain> Chains)
{
    /// <summary>Chains that are shown one by one.</summary>
    public const int MaxChains = 256;

    public static SamplingTrace Create(SamplingSpec spec, IReadOnlyList<SamplingBlock> blocks, JobDiagnostics diagnostics)
    {
        // After a cancel or a deadline blocks stop at different steps and have points at different intervals, powers of two: the coarsest points are everybody's.
        long[] steps = blocks.Select(block => block.TraceSteps).OrderByDescending(Interval).ThenByDescending(points => points.Length).FirstOrDefault() ?? [];
        int[][] rows = [.. blocks.Select(block => steps.Select(step => Array.BinarySearch(block.TraceSteps, step)).ToArray())];
        (double Mean, double Deviation)[] energy = [.. steps.Select((_, point) => Moments(blocks, block => block.TraceEnergy, rows, point))];
        (double Mean, double Deviation)[] norm = [.. steps.Select((_, point) => Moments(blocks, block => block.TraceGradientNorm, rows, point))];
        return new SamplingTrace(
            steps, [.. energy.Select(one => one.Mean)], [.. energy.Select(one => one.Deviation)], [.. norm.Select(one => one.Mean)],
            diagnostics, [.. Single(spec, blocks, rows).Take(MaxChains)]);
    }

    private static long Interval(long[] steps) => steps.Length > 1 ? steps[1] - steps[0] : 0;

    /// <summary>Over the finite values of the blocks that have the point.</summary>
    private static (double Mean, double Deviation) Moments(
        IReadOnlyList<SamplingBlock> blocks, Func<SamplingBlock, float[]> values, int[][] rows, int point)
    {
        double sum = 0, squares = 0;
        int count = 0;
        foreach ((int index, SamplingBlock block) in blocks.Index().Where(one => rows[one.Index][point] >= 0))
        {
            foreach (float value in values(block).AsSpan(rows[index][point] * block.Block.Count, block.Block.Count))
            {
                if (!float.IsFinite(value))
                    continue;
                (sum, squares, count) = (sum + value, squares + (double)value * value, count + 1);
            }
        }
        double mean = count == 0 ? 0 : sum / count;
        return (mean, count == 0 ? 0 : Math.Sqrt(Math.Max(0, squares / count - mean * mean)));
    }

    private static IEnumerable<SamplingTraceChain> Single(SamplingSpec spec, IReadOnlyList<SamplingBlock> blocks, int[][] rows)
    {
        foreach ((int index, SamplingBlock block) in blocks.Index())
        {
            int[] labels = ChainLabels.Of(spec, block.Block);
            for (int i = 0; i < block.Block.Count; i++)
            {
                yield return new(block.Block.Offset + i, labels[i] < 0 ? null : labels[i], block.Alive[i] == 0,
                    Column(block, block.TraceEnergy, rows[index], i), Column(block, block.TraceGradientNorm, rows[index], i));
            }
        }
    }

    private static float?[] Column(SamplingBlock block, float[] values, int[] rows, int chain)
    {
        var column = new float?[rows.Length];
        for (int point = 0; point < column.Length; point++)
        {
            float value = rows[point] < 0 ? float.NaN : values[rows[point] * block.Block.Count + chain];
            column[point] = float.IsFinite(value) ? value : null;
        }
        return column;
    }
}

/// <summary>One chain's energies and gradient norms at the trace's steps; null where they were not finite, and where the chain did not come so far.</summary>
internal sealed record SamplingTraceChain(int Chain, int? Label, bool Diverged, IReadOnlyList<float?> Energy, IReadOnlyList<float?> GradientNorm);
