using EbmService.Core.Failures;

namespace EbmService.Core.Jobs;

/// <summary>The finished (or, after a cancel, partial) result of one block; its bytes are fetched when they are asked for.</summary>
/// <param name="read">Gives the bytes of <see cref="IWorkload.Finish"/>; they are not kept here.</param>
public sealed class BlockResult(BlockPlan block, Func<ReadOnlyMemory<byte>> read)
{
    public BlockResult(BlockPlan block, ReadOnlyMemory<byte> content) : this(block, () => content)
    {
    }

    public BlockPlan Block => block;

    /// <exception cref="InvalidDataException">The stored bytes can't be read any more.</exception>
    public ReadOnlyMemory<byte> Read() => read();
}

/// <summary>One file of a job's result, in memory.</summary>
public sealed record ResultFile(string Name, string MediaType, byte[] Content);

/// <summary>Takes a job's files as they are made, one after the other. Not thread-safe.</summary>
public interface IResultWriter
{
    /// <param name="write">Writes the content from front to back; nothing of it need be in memory at once.</param>
    void Write(string name, string mediaType, Action<Stream> write);
}

/// <summary>Keeps the files in memory.</summary>
public sealed class ResultFiles : IResultWriter
{
    private readonly List<ResultFile> _all = [];

    public IReadOnlyList<ResultFile> All => _all;

    public void Write(string name, string mediaType, Action<Stream> write)
    {
        using var content = new MemoryStream();
        write(content);
        _all.Add(new ResultFile(name, mediaType, content.ToArray()));
    }
}

/// <summary>Makes a job's files from its blocks. Thread-safe; needs no device thread.</summary>
public interface IResultAssembler
{
    /// <param name="job">The job.</param>
    /// <param name="blocks">In block order; blocks that never ran are absent.</param>
    /// <param name="stopped">Why the blocks took no further step.</param>
    /// <param name="files">Takes the files.</param>
    /// <returns>Why the job has failed although there are files of it, which are kept; null where it hasn't.</returns>
    Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files);
}
