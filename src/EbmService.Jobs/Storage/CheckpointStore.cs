using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Storage;

/// <summary>A process of a newer epoch has written: this one has lost the job.</summary>
internal sealed class StaleEpochException() : Exception("a newer process has written a checkpoint of this block");

/// <summary>Where a block goes on.</summary>
internal sealed record StoredCheckpoint(int Step, byte[] Content);

/// <summary>
/// Checkpoints on disk, <c>checkpoints/{block}.{0|1}</c>: a write replaces the older of two generations; and the last checkpoints of
/// finished blocks, many in one archive, <c>checkpoints/finished</c>. A read takes the newest valid one. One writer per block;
/// readers at any time.
/// </summary>
internal sealed class CheckpointStore(JobFolders folders, JobDisk disk, BlockArchive archive, ILogger<CheckpointStore> log)
{
    private static readonly int[] Generations = [0, 1];

    /// <exception cref="StaleEpochException">A process of a newer epoch has written.</exception>
    public void Write(string id, int block, int epoch, int step, ReadOnlySpan<byte> content)
    {
        CheckpointHead?[] heads = [.. Generations.Select(generation => CheckpointFile.ReadHead(PathOf(id, block, generation)))];
        // A damaged head may claim any epoch: only a whole file counts.
        if (heads.Any(head => head?.Epoch > epoch) && ReadNewest(id, block)?.Head.Epoch > epoch)
            throw new StaleEpochException();
        disk.Write(PathOf(id, block, ReplacedBy(epoch, step, heads)), content, CheckpointFile.Head(epoch, step, content));
    }

    /// <summary>Stores the last checkpoints of finished blocks, all in one write.</summary>
    public void WriteFinished(string id, int epoch, IReadOnlyList<(int Block, int Step, byte[] Checkpoint)> blocks)
    {
        if (blocks.Count > 0)
            archive.Append(ArchiveOf(id),
                [.. blocks.Select(block => new ArchiveEntry(block.Block, ArchivePart.Checkpoint, epoch, block.Step, block.Checkpoint))]);
    }

    /// <summary>The newest checkpoint by its head alone: reading it may still fall back to the other.</summary>
    public CheckpointHead? Peek(string id, int block) => NewestFirst(id, block) is [var newest, ..] ? newest.Head : null;

    /// <summary>The newest valid checkpoint; null when there is none, and the block starts at step 0.</summary>
    public StoredCheckpoint? Read(string id, int block) =>
        ReadNewest(id, block) is { } newest ? new StoredCheckpoint(newest.Head.Step, newest.Content) : null;

    /// <summary>Leaves the newest generation of a block whose job has ended.</summary>
    public void Prune(string id, int block)
    {
        foreach ((string? path, _) in NewestFirst(id, block).Skip(1))
        {
            if (path is not null)
                File.Delete(path);
        }
    }

    /// <summary>Removes all of a job that has ended.</summary>
    public void Delete(string id)
    {
        Forget(id);
        folders.Delete(id, JobFolders.Checkpoints);
    }

    /// <summary>Keeps nothing of a job's files in memory.</summary>
    public void Forget(string id) => archive.Forget(ArchiveOf(id));

    private (CheckpointHead Head, byte[] Content)? ReadNewest(string id, int block)
    {
        foreach ((string? path, CheckpointHead head) in NewestFirst(id, block))
        {
            try
            {
                if (path is not null)
                    return CheckpointFile.Read(path);
                if (archive.Read(ArchiveOf(id), block, ArchivePart.Checkpoint) is { } content)
                    return (head, content);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                log.CheckpointDamaged(e, block, id);
            }
        }
        return null;
    }

    /// <summary>Path and head of each, null for the path of what is in the archive.</summary>
    private List<(string? Path, CheckpointHead Head)> NewestFirst(string id, int block)
    {
        List<(string? Path, CheckpointHead Head)> found = [];
        if (FindArchived(id, block) is { } place)
            found.Add((null, new CheckpointHead(place.Epoch, place.Step, place.Length)));
        foreach (int generation in Generations)
        {
            string path = PathOf(id, block, generation);
            if (!File.Exists(path))
                continue;
            if (CheckpointFile.ReadHead(path) is { } head)
                found.Add((path, head));
            else
                log.CheckpointDamaged(null, block, id);
        }
        found.Sort((a, b) => b.Head.IsNewerThan(a.Head) ? 1 : a.Head.IsNewerThan(b.Head) ? -1 : 0);
        return found;
    }

    /// <summary>An archive that can't be read now counts as absent: the block goes on from an older checkpoint.</summary>
    private ArchivePlace? FindArchived(string id, int block)
    {
        try
        {
            return archive.Find(ArchiveOf(id), block, ArchivePart.Checkpoint);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.CheckpointDamaged(e, block, id);
            return null;
        }
    }

    /// <summary>
    /// The older generation; but one of the same step is replaced by what came later within the step after it, so that
    /// there is always one newest.
    /// </summary>
    private static int ReplacedBy(int epoch, int step, CheckpointHead?[] heads)
    {
        int same = Array.FindIndex(heads, head => head is { } known && (known.Epoch, known.Step) == (epoch, step));
        return same >= 0 ? same : heads switch
        {
            [null, _] => 0,
            [_, null] => 1,
            [{ } first, { } second] => first.IsNewerThan(second) ? 1 : 0,
            _ => 0,
        };
    }

    private string ArchiveOf(string id) => folders.File(id, JobFolders.Checkpoints, BlockArchive.FileName);

    private string PathOf(string id, int block, int generation) => folders.File(
        id, JobFolders.Checkpoints, string.Create(CultureInfo.InvariantCulture, $"{block:D6}.{generation}"));
}

/// <summary>What a checkpoint file says of itself.</summary>
/// <param name="Epoch">Of the lease under which it was written.</param>
/// <param name="Step">Steps the block had done.</param>
/// <param name="Length">Bytes after the head.</param>
internal readonly record struct CheckpointHead(int Epoch, int Step, long Length)
{
    public bool IsNewerThan(CheckpointHead other) => (Epoch, Step).CompareTo((other.Epoch, other.Step)) > 0;
}

/// <summary>
/// A checkpoint file: magic, epoch, step, length, all little-endian,
/// SHA-256 over these and the content, then the content.
/// </summary>
internal static class CheckpointFile
{
    private const int HashAt = 24;
    public const int HeadSize = HashAt + SHA256.HashSizeInBytes;

    private static ReadOnlySpan<byte> Magic => "EBMCKPT1"u8;

    public static byte[] Head(int epoch, int step, ReadOnlySpan<byte> content)
    {
        byte[] head = new byte[HeadSize];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(8), epoch);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(12), step);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(16), content.Length);
        JobDisk.Hash(head.AsSpan(0, HashAt), content).CopyTo(head, HashAt);
        return head;
    }

    /// <summary>The head alone; null when there is no file, or none of ours, or it is not as long as it says.</summary>
    public static CheckpointHead? ReadHead(string path)
    {
        try
        {
            using FileStream file = Open(path);
            Span<byte> bytes = stackalloc byte[HeadSize];
            return file.ReadAtLeast(bytes, HeadSize, throwOnEndOfStream: false) == HeadSize ? Parse(bytes, file.Length) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static (CheckpointHead Head, byte[] Content) Read(string path)
    {
        using FileStream file = Open(path);
        byte[] bytes = new byte[HeadSize];
        if (file.ReadAtLeast(bytes, HeadSize, throwOnEndOfStream: false) < HeadSize || Parse(bytes, file.Length) is not { } head)
            throw new InvalidDataException("not a whole checkpoint");
        byte[] content = new byte[head.Length];
        file.ReadExactly(content);
        return JobDisk.Hash(bytes.AsSpan(0, HashAt), content).AsSpan().SequenceEqual(bytes.AsSpan(HashAt))
            ? (head, content)
            : throw new InvalidDataException("the checkpoint's bytes have changed");
    }

    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);

    private static CheckpointHead? Parse(ReadOnlySpan<byte> head, long fileLength)
    {
        var parsed = new CheckpointHead(BinaryPrimitives.ReadInt32LittleEndian(head[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(head[12..]), BinaryPrimitives.ReadInt64LittleEndian(head[16..]));
        bool sound = head[..8].SequenceEqual(Magic) && parsed is { Step: >= 0, Length: >= 0 } && parsed.Length == fileLength - HeadSize;
        return sound ? parsed : null;
    }
}
