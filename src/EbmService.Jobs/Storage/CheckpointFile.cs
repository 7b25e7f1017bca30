using System.Buffers.Binary;
using System.Security.Cryptography;

namespace EbmService.Jobs.Storage;

/// <summary>What a checkpoint file says of itself.</summary>
/// <param name="Epoch">Of the lease under which it was written.</param>
/// <param name="Step">Steps the block had done.</param>
/// <param name="Length">Bytes after the head.</param>
internal readonly record struct CheckpointHead(int Epoch, int Step, long Length)
{
    public bool IsNewerThan(CheckpointHead other) => (Epoch, Step).CompareTo((other.Epoch, other.Step)) > 0;
}

/// <summary>A checkpoint file: magic, epoch, step, length, all little-endian, SHA-256 over these and the content, then the content.</summary>
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
        Hash(head, content).CopyTo(head, HashAt);
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
        return Hash(bytes, content).AsSpan().SequenceEqual(bytes.AsSpan(HashAt))
            ? (head, content)
            : throw new InvalidDataException("the checkpoint's bytes have changed");
    }

    private static byte[] Hash(ReadOnlySpan<byte> head, ReadOnlySpan<byte> content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(head[..HashAt]);
        hash.AppendData(content);
        return hash.GetHashAndReset();
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
