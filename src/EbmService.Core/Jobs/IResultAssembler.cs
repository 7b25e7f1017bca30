namespace EbmService.Core.Jobs;

/// <summary>The finished (or, after a cancel, partial) result of one block.</summary>
/// <param name="Result">Bytes of <see cref="IWorkload.Finish"/>.</param>
public sealed record BlockResult(BlockPlan Block, ReadOnlyMemory<byte> Result);

/// <summary>One file of a job's result, in memory.</summary>
public sealed record ResultFile(string Name, string MediaType, byte[] Content);

/// <summary>Makes a job's files (samples, picture, trace, card) from its blocks. Thread-safe; needs no device thread.</summary>
public interface IResultAssembler
{
    /// <param name="job">The job.</param>
    /// <param name="blocks">In block order; blocks that never ran are absent.</param>
    /// <param name="stopped">Why the chains stopped.</param>
    IReadOnlyList<ResultFile> Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, StopReason stopped);
}
