using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace EbmService.Jobs.Storage;

/// <summary>What a record of an archive holds.</summary>
internal enum ArchivePart
{
    Checkpoint = 1,
    Report = 2,
    Result = 3,
}

/// <summary>One record to append.</summary>
internal sealed record ArchiveEntry(int Block, ArchivePart Part, int Epoch, int Step, ReadOnlyMemory<byte> Content);

/// <summary>Where a record's content is in its file.</summary>
/// <param name="Offset">Of the record's head.</param>
internal readonly record struct ArchivePlace(int Epoch, int Step, long Offset, long Length);

/// <summary>
/// Files that finished blocks are appended to, many at once with one wait for the disk. A record is magic, part, block, epoch,
/// step, length, all little-endian, SHA-256 over these and the content, then the content. Of two records of a block the later
/// counts. What a process that died left unfinished at the end is cut off by the next append. Thread-safe.
/// </summary>
internal sealed class BlockArchive(JobDisk disk)
{
    public const string FileName = "finished";

    private const int HashAt = 32;
    private const int HeadSize = HashAt + SHA256.HashSizeInBytes;

    private readonly ConcurrentDictionary<string, ArchiveIndex> _indexes = new(StringComparer.Ordinal);

    private static ReadOnlySpan<byte> Magic => "EBMPART1"u8;

    /// <summary>Appends the records and returns once they are on the disk; after an exception none of them is there.</summary>
    /// <returns>SHA-256 of each record as its head keeps it, 64 hex digits.</returns>
    public string[] Append(string path, IReadOnlyList<ArchiveEntry> entries)
    {
        ArchiveIndex index = IndexOf(path);
        lock (index)
        {
            var parts = new List<ReadOnlyMemory<byte>>(2 * entries.Count);
            List<(int, ArchivePart, ArchivePlace)> places = [];
            var hashes = new string[entries.Count];
            long end = index.End;
            foreach (ArchiveEntry entry in entries)
            {
                byte[] head = HeadOf(entry);
                hashes[places.Count] = Convert.ToHexStringLower(head.AsSpan(HashAt));
                parts.Add(head);
                parts.Add(entry.Content);
                places.Add((entry.Block, entry.Part, new ArchivePlace(entry.Epoch, entry.Step, end, entry.Content.Length)));
                end += HeadSize + entry.Content.Length;
            }
            disk.Append(path, index.End, parts);
            foreach ((int block, ArchivePart part, ArchivePlace place) in places)
                index.Places[(block, part)] = place;
            index.End = end;
            return hashes;
        }
    }

    /// <summary>The newest record of that block; null without one.</summary>
    public ArchivePlace? Find(string path, int block, ArchivePart part)
    {
        ArchiveIndex index = IndexOf(path);
        lock (index)
            return index.Places.TryGetValue((block, part), out ArchivePlace place) ? place : null;
    }

    /// <summary>The newest record's content; null without one.</summary>
    /// <param name="sha256">When given, the record has to be this one.</param>
    /// <exception cref="InvalidDataException">The record is damaged or another than was written.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public byte[]? Read(string path, int block, ArchivePart part, string? sha256 = null)
    {
        if (Find(path, block, part) is not { } place)
            return null;
        using FileStream file = Open(path);
        file.Position = place.Offset;
        byte[] head = new byte[HeadSize];
        byte[] content = new byte[place.Length];
        if (file.ReadAtLeast(head, HeadSize, throwOnEndOfStream: false) < HeadSize
            || file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false) < content.Length)
            throw new InvalidDataException("an archived record was cut short");
        bool isSound = JobDisk.Hash(head.AsSpan(0, HashAt), content).AsSpan().SequenceEqual(head.AsSpan(HashAt))
            && (sha256 is null || Convert.ToHexStringLower(head.AsSpan(HashAt)) == sha256);
        return isSound ? content : throw new InvalidDataException("an archived record is damaged");
    }

    /// <summary>The file is about to go, or belongs to a job that has ended.</summary>
    public void Forget(string path) => _indexes.TryRemove(path, out _);

    private ArchiveIndex IndexOf(string path)
    {
        if (_indexes.TryGetValue(path, out ArchiveIndex? known))
            return known;
        return _indexes.GetOrAdd(path, ReadIndex(path));
    }

    private static ArchiveIndex ReadIndex(string path)
    {
        var index = new ArchiveIndex();
        if (!File.Exists(path))
            return index;
        using FileStream file = Open(path);
        long length = file.Length;
        Span<byte> head = stackalloc byte[HeadSize];
        while (file.ReadAtLeast(head, HeadSize, throwOnEndOfStream: false) == HeadSize && head[..8].SequenceEqual(Magic))
        {
            long content = BinaryPrimitives.ReadInt64LittleEndian(head[24..]);
            if (content < 0 || content > length - index.End - HeadSize)
                break;
            var part = (ArchivePart)BinaryPrimitives.ReadInt32LittleEndian(head[8..]);
            index.Places[(BinaryPrimitives.ReadInt32LittleEndian(head[12..]), part)] = new ArchivePlace(
                BinaryPrimitives.ReadInt32LittleEndian(head[16..]), BinaryPrimitives.ReadInt32LittleEndian(head[20..]), index.End, content);
            index.End += HeadSize + content;
            file.Position = index.End;
        }
        return index;
    }

    private static byte[] HeadOf(ArchiveEntry entry)
    {
        byte[] head = new byte[HeadSize];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(8), (int)entry.Part);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(12), entry.Block);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(16), entry.Epoch);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(20), entry.Step);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(24), entry.Content.Length);
        JobDisk.Hash(head.AsSpan(0, HashAt), entry.Content.Span).CopyTo(head, HashAt);
        return head;
    }

    private static FileStream Open(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    private sealed class ArchiveIndex
    {
        public Dictionary<(int Block, ArchivePart Part), ArchivePlace> Places { get; } = [];

        /// <value>Where the next record begins.</value>
        public long End { get; set; }
    }
}
