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

    /// <value>The job-wide index of its first item.</value>
    public int Offset { get; set; }

    /// <value>Its items.</value>
    public int Count { get; set; }

    public int Steps { get; set; }

    public BlockRowState State { get; set; }

    public int LeaseEpoch { get; set; }

    /// <value>Where the block began in this job, and once done where it ended.</value>
    public int Step { get; set; }

    /// <value>Steps at the last checkpoint that the lease's holder set out to write; which one is whole, the files tell.</value>
    public int CheckpointStep { get; set; }

    /// <value>Of the stored result of a done block, 64 hex digits.</value>
    public string? ResultSha256 { get; set; }
}
