using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace EbmService.Inference.Formats.Checkpoints;

/// <summary>
/// The entries of a zip file in memory, with limits on their number, sizes and inflation: nothing is allocated by what a header
/// says before it is
/// compared with the file's own length. An entry's checksum is verified when it is read.
/// </summary>
/// <remarks>PKWARE's APPNOTE 6.3: end record, zip64 end record, central directory, local headers. Encryption and parts are
/// refused.</remarks>
internal sealed class ZipDirectory
{
    public const int MaxEntries = 65_535;

    /// <summary>Bytes of an inflated entry for each of its bytes in the file, at most: PyTorch stores without compression.</summary>
    public const int MaxInflation = 100;

    private const uint EndSignature = 0x06054b50, LocatorSignature = 0x07064b50, Zip64Signature = 0x06064b50;
    private const uint CentralSignature = 0x02014b50, LocalSignature = 0x04034b50;
    private const int EndLength = 22, LocatorLength = 20, Zip64Length = 56, CentralLength = 46, LocalLength = 30;
    private const ushort Stored = 0, Deflated = 8, Zip64Field = 1, Encrypted = 1;

    private readonly ReadOnlyMemory<byte> _file;
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    private readonly record struct Entry(ushort Method, uint Crc, long Packed, long Length, long Header);

    /// <exception cref="InvalidCheckpointException">It is no zip file, or one that is damaged, truncated or over a limit.</exception>
    public ZipDirectory(ReadOnlyMemory<byte> file)
    {
        _file = file;
        (long count, long at, long end) = FindDirectory();
        if (count > MaxEntries)
            throw new InvalidCheckpointException($"the zip file has {count} entries; at most {MaxEntries} are allowed");
        long packed = 0;
        for (long i = 0; i < count; i++)
            packed += ReadCentral(ref at, end);
        if (at != end)
            throw new InvalidCheckpointException("the zip file's directory has another length than it says");
        if (packed > file.Length)
            throw new InvalidCheckpointException("the zip file's entries overlap: together they are longer than the file");
    }

    public IEnumerable<string> Names => _entries.Keys;

    public bool Contains(string name) => _entries.ContainsKey(name);

    /// <summary>Bytes of the entry once it is read; null where there is none of that name.</summary>
    public long? LengthOf(string name) => _entries.TryGetValue(name, out Entry entry) ? entry.Length : null;

    /// <exception cref="InvalidCheckpointException">There is no such entry, or its bytes are not those that were stored.</exception>
    public ReadOnlyMemory<byte> Read(string name)
    {
        if (!_entries.TryGetValue(name, out Entry entry))
            throw new InvalidCheckpointException($"the zip file has no entry '{CheckpointText.Printable(name)}'");
        ReadOnlySpan<byte> header = Slice(entry.Header, LocalLength, "an entry").Span;
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != LocalSignature)
            throw Refusal(name, "does not begin where the directory says");
        long data = entry.Header + LocalLength + BinaryPrimitives.ReadUInt16LittleEndian(header[26..])
            + BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        ReadOnlyMemory<byte> packed = Slice(data, entry.Packed, $"the entry '{CheckpointText.Printable(name)}'");
        ReadOnlyMemory<byte> bytes = entry.Method == Stored ? packed : Inflate(name, packed, entry.Length);
        return Crc32.Compute(bytes.Span) == entry.Crc
            ? bytes : throw Refusal(name, "is damaged: its checksum differs");
    }

    private (long Count, long Begin, long End) FindDirectory()
    {
        ReadOnlySpan<byte> bytes = _file.Span;
        for (int at = bytes.Length - EndLength; at >= 0 && at >= bytes.Length - EndLength - ushort.MaxValue; at--)
        {
            ReadOnlySpan<byte> end = bytes[at..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(end) != EndSignature
                || at + EndLength + BinaryPrimitives.ReadUInt16LittleEndian(end[20..]) != bytes.Length)
                continue;
            if (at >= LocatorLength && BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at - LocatorLength)..]) == LocatorSignature)
                return FindZip64Directory(BinaryPrimitives.ReadInt64LittleEndian(bytes[(at - LocatorLength + 8)..]));
            long begin = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]);
            return (BinaryPrimitives.ReadUInt16LittleEndian(end[10..]), begin, begin + BinaryPrimitives.ReadUInt32LittleEndian(end[12..]));
        }
        throw new InvalidCheckpointException("the file is no zip file, or its end is missing");
    }

    private (long Count, long Begin, long End) FindZip64Directory(long at)
    {
        ReadOnlySpan<byte> end = Slice(at, Zip64Length, "the zip64 end record").Span;
        if (BinaryPrimitives.ReadUInt32LittleEndian(end) != Zip64Signature)
            throw new InvalidCheckpointException("the zip file's zip64 end record is missing");
        long length = BinaryPrimitives.ReadInt64LittleEndian(end[40..]), begin = BinaryPrimitives.ReadInt64LittleEndian(end[48..]);
        long count = BinaryPrimitives.ReadInt64LittleEndian(end[32..]);
        Slice(begin, length, "the directory");
        return (count >= 0 ? count : long.MaxValue, begin, begin + length);
    }

    /// <returns>Bytes of the entry in the file.</returns>
    private long ReadCentral(ref long at, long end)
    {
        if (end - at < CentralLength)
            throw new InvalidCheckpointException("the zip file's directory is truncated");
        ReadOnlySpan<byte> header = Slice(at, CentralLength, "the directory").Span;
        if (BinaryPrimitives.ReadUInt32LittleEndian(header) != CentralSignature)
            throw new InvalidCheckpointException("the zip file's directory is damaged");
        ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(header[8..]), method = BinaryPrimitives.ReadUInt16LittleEndian(header[10..]);
        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(header[28..]),
            extraLength = BinaryPrimitives.ReadUInt16LittleEndian(header[30..]);
        int commentLength = BinaryPrimitives.ReadUInt16LittleEndian(header[32..]);
        ReadOnlySpan<byte> rest = Slice(at + CentralLength, nameLength + extraLength + commentLength, "the directory").Span;
        string name = Encoding.UTF8.GetString(rest[..nameLength]);
        var entry = new Entry(
            method, BinaryPrimitives.ReadUInt32LittleEndian(header[16..]), BinaryPrimitives.ReadUInt32LittleEndian(header[20..]),
            BinaryPrimitives.ReadUInt32LittleEndian(header[24..]), BinaryPrimitives.ReadUInt32LittleEndian(header[42..]));
        entry = WithZip64(entry, rest.Slice(nameLength, extraLength), name);
        Check(entry, flags, name);
        if (!_entries.TryAdd(name, entry))
            throw new InvalidCheckpointException($"the zip file has two entries '{CheckpointText.Printable(name)}'");
        at += CentralLength + rest.Length;
        return entry.Packed;
    }

    /// <summary>
    /// Sizes and offset that don't fit 32 bits stand in an extra field, each only where its place in the header is all ones.
    /// </summary>
    private static Entry WithZip64(Entry entry, ReadOnlySpan<byte> extra, string name)
    {
        if (entry.Length != uint.MaxValue && entry.Packed != uint.MaxValue && entry.Header != uint.MaxValue)
            return entry;
        for (; extra.Length >= 4; extra = extra[(4 + BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]))..])
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(extra[2..]);
            if (length > extra.Length - 4)
                break;
            if (BinaryPrimitives.ReadUInt16LittleEndian(extra) != Zip64Field)
                continue;
            ReadOnlySpan<byte> field = extra.Slice(4, length);
            return entry with { Length = Take(entry.Length, ref field), Packed = Take(entry.Packed, ref field),
                Header = Take(entry.Header, ref field) };
        }
        throw Damaged();

        InvalidCheckpointException Damaged() => Refusal(name, "has a damaged zip64 field");

        long Take(long value, ref ReadOnlySpan<byte> field)
        {
            if (value != uint.MaxValue)
                return value;
            if (field.Length < 8)
                throw Damaged();
            long wide = BinaryPrimitives.ReadInt64LittleEndian(field);
            field = field[8..];
            return wide >= 0 ? wide : throw Damaged();
        }
    }

    private void Check(Entry entry, ushort flags, string name)
    {
        if ((flags & Encrypted) != 0)
            throw Refusal(name, "is encrypted");
        if (entry.Method is not (Stored or Deflated))
            throw Refusal(name, $"is packed by the unknown method {entry.Method}");
        if (entry.Method == Stored && entry.Packed != entry.Length)
            throw Refusal(name, "is stored, but with two lengths");
        if (entry.Packed > _file.Length)
            throw Refusal(name, "is longer than the file: it is truncated");
        if (entry.Length / MaxInflation > entry.Packed)
            throw Refusal(name, $"inflates to {entry.Length} bytes, over {MaxInflation} times its size in the file: "
                + "it is taken for a zip bomb");
    }

    private static byte[] Inflate(string name, ReadOnlyMemory<byte> packed, long length)
    {
        if (length > SafetensorsFile.MaxFileLength)
            throw Refusal(name, $"inflates to more than the {SafetensorsFile.MaxFileLength} bytes allowed");
        using var inflater = new DeflateStream(new MemoryStream(packed.ToArray()), CompressionMode.Decompress);
        var bytes = new byte[length];
        try
        {
            if (inflater.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length || inflater.ReadByte() >= 0)
                throw Refusal(name, "does not inflate to the length that it says");
        }
        catch (InvalidDataException e)
        {
            throw Refusal(name, "can't be inflated", e);
        }
        return bytes;
    }

    private static InvalidCheckpointException Refusal(string name, string how, Exception? inner = null) =>
        new($"the zip file's entry '{CheckpointText.Printable(name)}' {how}", inner);

    private ReadOnlyMemory<byte> Slice(long begin, long length, string what) =>
        begin >= 0 && length >= 0 && begin <= _file.Length && length <= _file.Length - begin
            ? _file.Slice((int)begin, (int)length)
            : throw new InvalidCheckpointException($"the zip file is truncated: {what} lies behind its end");
}
