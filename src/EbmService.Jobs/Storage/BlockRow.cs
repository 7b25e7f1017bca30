namespace EbmService.Jobs.Storage;

internal enum BlockRowState
{
    Waiting,
    Done,
}

/// <summary>One block of a job. Written only by the holder of the lease whose epoch the row carries.</summary>
internal sealed class BlockRow
{
    public required string JobId { get; set; }

    public int Index { get; set; }

    public int FirstChain { get; set; }

    public int Chains { get; set; }

    public int Steps { get; set; }

    public BlockRowState State { get; set; }

    public int LeaseEpoch { get; set; }

    public int Step { get; set; }
}
