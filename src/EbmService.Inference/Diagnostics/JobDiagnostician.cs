using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;

namespace EbmService.Inference.Diagnostics;

/// <inheritdoc cref="IJobDiagnostician"/>
internal sealed class JobDiagnostician : IJobDiagnostician
{
    public JobDiagnostics Compute(JobDefinition job, IReadOnlyList<BlockSeries> blocks, bool live) =>
        new() { Step = 0, Draws = 0, Chains = blocks.Sum(block => block.Series.Chains) };

    public StopReason? Judge(JobDefinition job, JobDiagnostics diagnostics) => null;
}
