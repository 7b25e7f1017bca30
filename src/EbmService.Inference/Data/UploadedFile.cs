using System.IO.Compression;
using EbmService.Core.Datasets;

namespace EbmService.Inference.Data;

/// <summary>What kind of file an upload is.</summary>
internal enum FileKind
{
    Npy,
    Idx,
    Zip,
    Csv,
}

/// <summary>Opens files that came from outside: what they announce is not believed, and what they inflate to is bounded.</summary>
internal static class UploadedFile
{
    /// <summary>The file itself, or what its gzip inflates to, in a file of its own so that both can be read again.</summary>
    public static Stream Plain(Stream file, DatasetLimits limits)
    {
        file.Position = 0;
        Span<byte> start = stackalloc byte[2];
        bool isGzip = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start[0] == 0x1f && start[1] == 0x8b;
        file.Position = 0;
        if (!isGzip)
            return new NonClosing(file);
        Stream inflated = limits.Stage();
        try
        {
            using var gzip = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
            var buffer = new byte[1 << 16];
            for (int read; (read = gzip.Read(buffer)) > 0;)
            {
                if (inflated.Length + read > limits.MaxContentBytes)
                    throw new InvalidDatasetException($"the gzip file inflates to more than {limits.MaxContentBytes} bytes, the most that this server keeps of a dataset");
                inflated.Write(buffer.AsSpan(0, read));
            }
            inflated.Position = 0;
            return inflated;
        }
        catch (Exception e)
        {
            inflated.Dispose();
            throw e is InvalidDataException ? new InvalidDatasetException("the gzip data is damaged or cut short", e) : e;
        }
    }

    public static FileKind KindOf(Stream file)
    {
        Span<byte> start = stackalloc byte[4];
        int read = file.ReadAtLeast(start, 4, throwOnEndOfStream: false);
        file.Position = 0;
        return start[..read] switch
        {
            [0x93, (byte)'N', (byte)'U', (byte)'M'] => FileKind.Npy,
            [(byte)'P', (byte)'K', ..] => FileKind.Zip,
            [0, 0, >= 8 and <= 14, ..] => FileKind.Idx,
            [] => throw new InvalidDatasetException("the file is empty"),
            [0x89, (byte)'P', (byte)'N', (byte)'G'] => throw new InvalidDatasetException("it is one PNG file: send a zip of them"),
            _ => FileKind.Csv,
        };
    }

    public static T WithZip<T>(Stream file, DatasetLimits limits, Func<ZipArchive, T> read)
    {
        try
        {
            file.Position = 0;
            using var zip = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            PngZipReader.CheckEntries(zip, limits.MaxEntries);
            T result = read(zip);
            file.Position = 0;
            return result;
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDatasetException("it is no whole zip file", e);
        }
    }

    /// <summary>An entry as a file of its own, for its header is read first.</summary>
    public static void Inflated(ZipArchiveEntry entry, DatasetLimits limits, Action<Stream> read)
    {
        using Stream file = limits.Stage();
        using Stream from = entry.Open();
        var buffer = new byte[1 << 16];
        for (int some; (some = from.Read(buffer)) > 0;)
        {
            if (file.Length + some > 2 * limits.MaxContentBytes)
                throw new InvalidDatasetException($"'{entry.Name}' inflates to more than {2 * limits.MaxContentBytes} bytes");
            file.Write(buffer.AsSpan(0, some));
        }
        file.Position = 0;
        read(file);
    }

    /// <summary>The caller's stream, which stays open.</summary>
    private sealed class NonClosing(Stream inner) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => inner.Position = value; }

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override int Read(Span<byte> buffer) => inner.Read(buffer);

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void Flush()
        {
            // Nothing is written.
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
