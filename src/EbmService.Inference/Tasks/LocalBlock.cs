using EbmService.Core.Jobs;

namespace EbmService.Inference.Tasks;

/// <summary>One block of a job that runs here; used by one thread at a time.</summary>
internal sealed class LocalBlock(BlockPlan plan)
{
    public BlockPlan Plan { get; } = plan;

    /// <value>Where its chains are between two threads; null before and after.</value>
    public ReadOnlyMemory<byte>? Checkpoint { get; set; }

    public StepReport? Report { get; set; }

    /// <value>The statistics last asked for.</value>
    public byte[]? Statistics { get; set; }

    public byte[]? Result { get; set; }

    public int Step => Report?.Step ?? 0;
}
