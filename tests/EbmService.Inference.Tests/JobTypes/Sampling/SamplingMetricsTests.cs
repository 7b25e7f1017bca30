using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Sampling;

/// <summary>What the progress of a sampling job says of chains that are no sample.</summary>
public sealed class SamplingMetricsTests : IDisposable
{
    private readonly JobTypeHost _host = new();

    public SamplingMetricsTests() => set_num_threads(1);

    public void Dispose() => _host.Dispose();

    [Theory]
    [InlineData(1e6, 12)]
    [InlineData(0.1, 0)]
    public async Task UnmovedChains_OfMala_AreThoseThatEveryProposalLeft(double stepSize, int unmoved)
    {
        JobDefinition job = (await _host.AcceptAsync("sampling", "gaussian", FormattableString.Invariant(
            $$"""{"kernel": "mala", "chains": 12, "steps": 200, "warmup": 0, "temperature": 1, "stepSize": {{stepSize}}, "seed": 3, "blockSize": 6, "stop": {"untilEss": 10} }"""))).OrThrow();
        var statistics = new List<BlockStatistics>();
        foreach (BlockPlan block in _host.Types.Plan(job.Spec).Blocks)
        {
            using IWorkload workload = _host.Workloads.Open(job, block);
            statistics.Add(new BlockStatistics(block, workload.Advance(JobTypeHost.Budget(TimeSpan.FromHours(1))).Statistics!));
        }

        JobStatistics answer = _host.Types.Compute(job, [.. statistics], live: false);

        Assert.Equal(unmoved, answer.Metrics[SamplingJob.UnmovedChains]);
        Assert.Equal(unmoved == 0 ? SamplingJob.UntilEss : null, answer.Verdict);
    }
}
