using System.Globalization;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Storage;

/// <summary>A process of a newer epoch has written: this one has lost the job.</summary>
internal sealed class StaleEpochException() : Exception("a newer process has written a checkpoint of this block");

/// <summary>Where a block goes on.</summary>
internal sealed record StoredCheckpoint(int Step, byte[] Content);

/// <summary>
/// Checkpoints on disk, <c>checkpoints/{block}.{0|1}</c>: a write replaces the older of two generations, a read takes the newest valid one.
/// One writer per block; readers at any time.
/// </summary>
internal sealed class CheckpointStore(JobFolders folders, JobDisk disk, ILogger<CheckpointStore> log)
{
    private static readonly int[] Generations = [0, 1];

    /// <exception cref="StaleEpochException">A process of a newer epoch has written.</exception>
    public void Write(string id, int block, int epoch, int step, ReadOnlySpan<byte> content)
    {
        CheckpointHead?[] heads = [.. Generations.Select(generation => CheckpointFile.ReadHead(PathOf(id, block, generation)))];
        // A damaged head may claim any epoch: only a whole file counts.
        if (heads.Any(head => head?.Epoch > epoch) && ReadNewest(id, block)?.Head.Epoch > epoch)
            throw new StaleEpochException();
        disk.Write(PathOf(id, block, OlderOf(heads)), content, CheckpointFile.Head(epoch, step, content));
    }

    /// <summary>The newest checkpoint by its head alone: reading it may still fall back to the other.</summary>
    public CheckpointHead? Peek(string id, int block) => NewestFirst(id, block) is [var newest, ..] ? newest.Head : null;

    /// <summary>The newest valid checkpoint; null when there is none, and the block starts at step 0.</summary>
    public StoredCheckpoint? Read(string id, int block) =>
        ReadNewest(id, block) is { } newest ? new StoredCheckpoint(newest.Head.Step, newest.Content) : null;

    /// <summary>Leaves the newest generation of a block whose job has ended.</summary>
    public void Prune(string id, int block)
    {
        foreach ((string path, _) in NewestFirst(id, block).Skip(1))
            File.Delete(path);
    }

    private (CheckpointHead Head, byte[] Content)? ReadNewest(string id, int block)
    {
        foreach ((string path, _) in NewestFirst(id, block))
        {
            try
            {
                return CheckpointFile.Read(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                log.CheckpointDamaged(e, block, id);
            }
        }
        return null;
    }

    private List<(string Path, CheckpointHead Head)> NewestFirst(string id, int block)
    {
        List<(string Path, CheckpointHead Head)> found = [];
        foreach (int generation in Generations)
        {
            string path = PathOf(id, block, generation);
            if (CheckpointFile.ReadHead(path) is { } head)
                found.Add((path, head));
            else if (File.Exists(path))
                log.CheckpointDamaged(null, block, id);
        }
        if (found.Count == 2 && found[1].Head.IsNewerThan(found[0].Head))
            found.Reverse();
        return found;
    }

    private static int OlderOf(CheckpointHead?[] heads) => heads switch
    {
        [null, _] => 0,
        [_, null] => 1,
        [{ } first, { } second] => first.IsNewerThan(second) ? 1 : 0,
        _ => 0,
    };

    private string PathOf(string id, int block, int generation) => folders.File(
        id, JobFolders.Checkpoints, string.Create(CultureInfo.InvariantCulture, $"{block:D6}.{generation}"));
}
