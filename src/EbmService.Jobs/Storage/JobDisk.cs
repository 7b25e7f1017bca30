using System.Security.Cryptography;
using EbmService.Core.Files;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Every write of a job's file: to a temporary name, to the disk, then renamed, in a folder that
/// is made where it is missing; a reader sees all of a file or none, also after a power cut.
/// Thread-safe. A test derives from it to be a full disk or a process that died.
/// </summary>
internal class JobDisk
{
    public const string TemporarySuffix = ".tmp";

    public static string Hash(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    /// <summary>SHA-256 over a head and the content behind it.</summary>
    public static byte[] Hash(ReadOnlySpan<byte> head, ReadOnlySpan<byte> content)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(head);
        hash.AppendData(content);
        return hash.GetHashAndReset();
    }

    /// <returns>SHA-256 of the content (without the head), 64 hex digits.</returns>
    public string Write(string path, ReadOnlySpan<byte> content, ReadOnlySpan<byte> head = default)
    {
        DurableFiles.CreateFolder(DurableFiles.FolderOf(path));
        string temporary = path + TemporarySuffix;
        Changing(temporary);
        DurableFiles.Write(temporary, head, content);
        Changing(path);
        DurableFiles.Rename(temporary, path);
        return Hash(content);
    }

    /// <summary>As <see cref="Write(string, ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>, for content that comes in parts.</summary>
    /// <returns>The content's length, and its SHA-256.</returns>
    public (long Length, string Sha256) Write(string path, Action<Stream> write)
    {
        DurableFiles.CreateFolder(DurableFiles.FolderOf(path));
        string temporary = path + TemporarySuffix;
        Changing(temporary);
        (long Length, string Sha256) written;
        try
        {
            using var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            using var hashed = new HashingStream(file);
            write(hashed);
            written = (hashed.Length, hashed.Finish());
            file.Flush(flushToDisk: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        Changing(path);
        DurableFiles.Rename(temporary, path);
        return written;
    }

    /// <summary>SHA-256 of a file, read in parts.</summary>
    public static string HashFile(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>Writes at the end of a file, cutting off what is behind it.</summary>
    public void Append(string path, long end, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        DurableFiles.CreateFolder(DurableFiles.FolderOf(path));
        Changing(path);
        DurableFiles.Append(path, end, parts);
    }

    /// <summary>Room on the disk of a folder that may not be there yet.</summary>
    public virtual long FreeBytes(string folder)
    {
        string at = folder;
        while (!Directory.Exists(at) && Path.GetDirectoryName(at) is { } parent)
            at = parent;
        return new DriveInfo(at).AvailableFreeSpace;
    }

    /// <summary>Called before the disk changes at that path.</summary>
    protected virtual void Changing(string path)
    {
    }
}

/// <summary>Counts and hashes what is written through it; gathers small writes.</summary>
internal sealed class HashingStream(Stream inner) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _buffered;
    private long _length;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position { get => _length; set => throw new NotSupportedException(); }

    /// <summary>Hands on what is gathered; SHA-256 over all, 64 hex digits.</summary>
    public string Finish()
    {
        Flush();
        return Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _length += buffer.Length;
        if (buffer.Length > _buffer.Length - _buffered)
            Flush();
        if (buffer.Length >= _buffer.Length)
        {
            HandOn(buffer);
            return;
        }
        buffer.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        HandOn(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _hash.Dispose();
        base.Dispose(disposing);
    }

    private void HandOn(ReadOnlySpan<byte> content)
    {
        _hash.AppendData(content);
        inner.Write(content);
    }
}
