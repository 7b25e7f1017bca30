using System.Collections.Concurrent;
using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;

namespace EbmService.Jobs.Tests.Fakes;

/// <summary>An effective sample size that is the number of draws, and the rule that goes with it.</summary>
internal sealed class FakeDiagnostician : IJobDiagnostician
{
    /// <value>What was computed: "live" or "final", blocks, and draws per block.</value>
    public ConcurrentQueue<string> Calls { get; } = new();

    public Action<bool>? OnCompute { get; set; }

    public JobDiagnostics Compute(JobDefinition job, IReadOnlyList<BlockSeries> blocks, bool live)
    {
        OnCompute?.Invoke(live);
        Calls.Enqueue($"{(live ? "live" : "final")} {string.Join(' ', blocks.Select(block => $"{block.Block.Index}:{block.Series.Draws}"))}");
        int step = blocks.Min(block => block.Series.Draws);
        return new JobDiagnostics
        {
            Step = step, Draws = step, Chains = blocks.Sum(block => block.Series.Chains), RHat = 1.5, EssBulk = step, EssTail = step / 2.0,
            Quantities = [new QuantityDiagnostics("energy", 0, 1, 0.25, 1.5, step, step / 2.0), new QuantityDiagnostics("other", 0, 1, 9, 1, 1, 1)],
        };
    }

    public StopReason? Judge(JobDefinition job, JobDiagnostics diagnostics) =>
        ((SamplingSpec)job.Spec).Stop is { UntilEss: { } wanted } && diagnostics.EssBulk >= wanted ? StopReason.UntilEss : null;
}
