using System.Collections.Concurrent;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;

namespace EbmService.Jobs.Tests.Fakes;

/// <summary>An effective sample size that is the number of draws, and the rule that goes with it.</summary>
internal sealed class FakeDiagnostician
{
    /// <value>What was computed: "live" or "final", blocks, and draws per block.</value>
    public ConcurrentQueue<string> Calls { get; } = new();

    public Action<bool>? OnCompute { get; set; }

    public JobStatistics Compute(JobDefinition job, IReadOnlyList<BlockStatistics> blocks, bool live)
    {
        OnCompute?.Invoke(live);
        Calls.Enqueue($"{(live ? "live" : "final")} {string.Join(' ', blocks.Select(block => $"{block.Block.Index}:{Draws(block)}"))}");
        int step = blocks.Min(Draws);
        var metrics = new Dictionary<string, double>
        {
            [SamplingJob.RHat] = 1.5, [SamplingJob.EssBulk] = step, [SamplingJob.EssTail] = step / 2.0, [SamplingJob.EnergyMcse] = 0.25,
        };
        bool holds = ((SamplingSpec)job.Spec).Stop is { UntilEss: { } wanted } && step >= wanted;
        return new JobStatistics(metrics, holds ? SamplingJob.UntilEss : null);
    }

    private static int Draws(BlockStatistics block) => BitConverter.ToInt32(block.Content.Span);
}
