using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;

namespace EbmService.Jobs.Storage;

/// <summary>
/// What blocks append as they go, <c>checkpoints/{block}.log</c>: segments, each its length (little-endian), the SHA-256 of its content, and the content. A
/// checkpoint says how many bytes of content it counts on; the next append cuts off the rest. Thread-safe; one writer per block.
/// </summary>
internal sealed class BlockLogs(JobFolders folders, JobDisk disk) : IJobLogs
{
    private const int HashAt = sizeof(long);
    private const int HeadSize = HashAt + SHA256.HashSizeInBytes;
    private const int CopiedAtOnce = 1 << 20;

    /// <value>Where each log ends that was appended to in this process: bytes of content, bytes of the file.</value>
    private readonly ConcurrentDictionary<string, (long Content, long File)> _ends = new(StringComparer.Ordinal);

    public void Append(string jobId, int block, long at, ReadOnlyMemory<byte> content)
    {
        string path = PathOf(jobId, block);
        try
        {
            long end = _ends.TryGetValue(path, out (long Content, long File) known) && known.Content == at ? known.File : FileEnd(path, at);
            byte[] head = new byte[HeadSize];
            BinaryPrimitives.WriteInt64LittleEndian(head, content.Length);
            SHA256.HashData(content.Span, head.AsSpan(HashAt));
            disk.Append(path, end, [head, content]);
            _ends[path] = (at + content.Length, end + HeadSize + content.Length);
        }
        catch (InvalidDataException)
        {
            throw new FailureException(new Failure(FailureCode.StorageFailed, "What the job has kept of its earlier steps is missing or damaged.", "Submit the job again."));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FailureException(StorageFailures.OfJob, e);
        }
    }

    public Stream Open(string jobId, int block, long length)
    {
        try
        {
            string path = PathOf(jobId, block);
            List<Segment> segments = length == 0 ? [] : Read(path, length);
            foreach (Segment segment in segments)
                Check(path, segment);
            return new LogStream(path, segments, length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException("a block's log can't be read", e);
        }
    }

    /// <summary>Copies the logs of a job that is gone on with.</summary>
    public void CopyAll(string fromJob, string toJob)
    {
        string folder = folders.Of(fromJob, JobFolders.Checkpoints);
        if (!Directory.Exists(folder))
            return;
        foreach (string path in Directory.EnumerateFiles(folder, "*.log"))
        {
            using FileStream source = OpenFile(path);
            disk.Write(folders.File(toJob, JobFolders.Checkpoints, Path.GetFileName(path)), source.CopyTo);
        }
    }

    /// <summary>Keeps nothing of a job's logs in memory.</summary>
    public void Forget(string jobId)
    {
        string folder = folders.Of(jobId, JobFolders.Checkpoints) + Path.DirectorySeparatorChar;
        foreach (string path in _ends.Keys.Where(path => path.StartsWith(folder, StringComparison.Ordinal)))
            _ends.TryRemove(path, out _);
    }

    private string PathOf(string jobId, int block) =>
        folders.File(jobId, JobFolders.Checkpoints, string.Create(CultureInfo.InvariantCulture, $"{block:D6}.log"));

    private static long FileEnd(string path, long at) => at == 0 ? 0 : Read(path, at) is [.., var last] ? last.At + last.Length : 0;

    /// <summary>The segments of the first bytes of content, by their heads alone.</summary>
    /// <exception cref="InvalidDataException">There are fewer, or none ends there.</exception>
    private static List<Segment> Read(string path, long length)
    {
        if (!File.Exists(path))
            throw new InvalidDataException("a block's log is missing");
        using FileStream file = OpenFile(path);
        var segments = new List<Segment>();
        byte[] head = new byte[HeadSize];
        for (long start = 0; start < length;)
        {
            if (file.ReadAtLeast(head, HeadSize, throwOnEndOfStream: false) < HeadSize)
                throw new InvalidDataException("a block's log is cut short");
            long size = BinaryPrimitives.ReadInt64LittleEndian(head);
            if (size <= 0 || size > file.Length - file.Position || start + size > length)
                throw new InvalidDataException("a block's log is damaged");
            segments.Add(new Segment(start, file.Position, size, head[HashAt..]));
            (start, file.Position) = (start + size, file.Position + size);
        }
        return segments;
    }

    private static void Check(string path, Segment segment)
    {
        using FileStream file = OpenFile(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] part = new byte[Math.Min(CopiedAtOnce, segment.Length)];
        file.Position = segment.At;
        for (long left = segment.Length; left > 0;)
        {
            int count = (int)Math.Min(part.Length, left);
            file.ReadExactly(part, 0, count);
            hash.AppendData(part, 0, count);
            left -= count;
        }
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(segment.Sha256))
            throw new InvalidDataException("a block's log is damaged");
    }

    private static FileStream OpenFile(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    /// <param name="Start">Among the bytes of content.</param>
    /// <param name="At">Where its content is in the file.</param>
    private sealed record Segment(long Start, long At, long Length, byte[] Sha256);

    /// <summary>The content of a log without the heads. Holds no file open, for a job may have thousands.</summary>
    private sealed class LogStream(string path, List<Segment> segments, long length) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => length;

        public override long Position { get; set; }

        public override int Read(Span<byte> buffer)
        {
            if (Position >= length || buffer.IsEmpty)
                return 0;
            Segment segment = segments[FindSegment(Position)];
            long within = Position - segment.Start;
            using FileStream file = OpenFile(path);
            file.Position = segment.At + within;
            int read = file.Read(buffer[..(int)Math.Min(buffer.Length, segment.Length - within)]);
            Position += read;
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
        {
            SeekOrigin.Begin => offset,
            SeekOrigin.Current => Position + offset,
            _ => length + offset,
        };

        public override void Flush()
        {
            // Nothing is written.
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        private int FindSegment(long position)
        {
            (int low, int high) = (0, segments.Count - 1);
            while (low < high)
            {
                int middle = (low + high + 1) / 2;
                (low, high) = segments[middle].Start <= position ? (middle, high) : (low, middle - 1);
            }
            return low;
        }
    }
}
