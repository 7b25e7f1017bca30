using EbmService.Core.Jobs;
using EbmService.Core.Sampling;

namespace EbmService.Inference.Tasks;

/// <summary>Hands each job type to its own assembler.</summary>
internal sealed class ResultAssembler(SamplingResultAssembler sampling) : IResultAssembler
{
    public IReadOnlyList<ResultFile> Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, StopReason stopped) => job.Spec switch
    {
        SamplingSpec spec => sampling.Assemble(job, spec, blocks, stopped),
        _ => throw new ArgumentOutOfRangeException(nameof(job), job.Spec.Type, "not a known job type"),
    };
}
