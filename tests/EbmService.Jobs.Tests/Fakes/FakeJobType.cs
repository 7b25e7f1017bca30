using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;

namespace EbmService.Jobs.Tests.Fakes;

/// <summary>The one job type of these tests: sampling's spec over workloads that only count.</summary>
internal sealed class FakeJobType(FakeWorkloads workloads, FakeAssembler assembler, FakeDiagnostician diagnostician) : IJobType
{
    public JobTypeDescription Description => SamplingJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) => throw new NotSupportedException();

    public JobPlan Plan(JobSpec spec)
    {
        var sampling = (SamplingSpec)spec;
        return JobPlan.Create(sampling.Chains, sampling.BlockSize, _ => sampling.Steps);
    }

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint) => workloads.Open(job, block, checkpoint);

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files) =>
        assembler.Assemble(job, blocks, stopped, files);

    public JobStatistics Compute(JobDefinition job, IReadOnlyList<BlockStatistics> blocks, bool live) => diagnostician.Compute(job, blocks, live);
}

internal static class SnapshotExtensions
{
    /// <summary>Steps done per chain, rounded down.</summary>
    public static int Step(this JobSnapshot job) => (int)(job.Progress.Done / ((SamplingSpec)job.Spec).Chains);

    /// <summary>Steps per chain.</summary>
    public static int TotalSteps(this JobSnapshot job) => (int)(job.Progress.Total / ((SamplingSpec)job.Spec).Chains);
}
