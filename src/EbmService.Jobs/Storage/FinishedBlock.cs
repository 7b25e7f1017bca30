using EbmService.Core.Jobs;

namespace EbmService.Jobs.Storage;

/// <summary>What a block left when it was done.</summary>
/// <param name="Index">Of the block.</param>
/// <param name="Report">Its last report, with its draws.</param>
/// <param name="Result">Bytes of <see cref="IWorkload.Finish"/>.</param>
/// <param name="Chains">Bytes of <see cref="IWorkload.Save"/>, where the job may be extended.</param>
internal sealed record FinishedBlock(int Index, StepReport Report, byte[] Result, byte[]? Chains);

/// <summary>A stored result, as the database knows it.</summary>
/// <param name="Index">Of the block.</param>
/// <param name="Step">Where the block ended.</param>
/// <param name="Sha256">Of the stored result's record, 64 hex digits.</param>
internal readonly record struct CompletedBlock(int Index, int Step, string Sha256);
