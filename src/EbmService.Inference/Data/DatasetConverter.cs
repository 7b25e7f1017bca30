using System.Buffers.Binary;
using System.IO.Compression;
using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;

namespace EbmService.Inference.Data;

/// <summary>
/// Makes canonical rows of what people have: .npy, .npz (one array of rows, and one of labels), IDX, a zip of PNG files (a folder per class) and
/// CSV, plain or under gzip. uint8 stays uint8, everything else becomes float32. What a header announces is not believed. Stateless.
/// </summary>
internal sealed class DatasetConverter(IImageCodec images) : IDatasetConverter
{
    private const int ChunkNumbers = 1 << 16;

    /// <summary>An array in Fortran order is turned in memory.</summary>
    private const long MaxTurnedBytes = 256L << 20;

    private static readonly string[] s_labelNames = ["y", "label", "labels", "target", "targets"];

    public Outcome<DatasetContent> Convert(Stream rows, Stream? labels, DatasetLimits limits, Stream rowsTo, Stream labelsTo)
    {
        var sink = new RowSink(rowsTo, limits.MaxContentBytes);
        var counts = new LabelSink(labelsTo);
        try
        {
            ReadRows(rows, limits, sink, counts, takesLabels: labels is null);
        }
        catch (InvalidDatasetException e)
        {
            return Refuse("rows", e.Message);
        }
        try
        {
            if (labels is not null)
                ReadLabels(labels, limits, counts);
            if (counts.Count is var count && count > 0 && count != sink.Rows)
                throw new InvalidDatasetException($"there are {sink.Rows} rows, but {count} labels");
            return sink.Finish(counts.Finish());
        }
        catch (InvalidDatasetException e)
        {
            return Refuse(labels is null ? "rows" : "labels", e.Message);
        }
    }

    public byte[]? Draw(Dataset dataset, Stream rows, int most)
    {
        int[] shape = [.. dataset.Shape];
        InputSchema? schema = shape switch
        {
            [1 or 3, _, _] => new InputSchema(InputKind.Image, shape, 0, 255),
            [_, _] => new InputSchema(InputKind.Image, [1, .. shape], 0, 255),
            [2] => new InputSchema(InputKind.Vector, shape, dataset.Min, dataset.Max),
            _ => null,
        };
        if (schema is null)
            return null;
        int count = Math.Min(most, dataset.Rows);
        float[] values = RowsReader.Read(rows, schema, 0, count);
        if (dataset.Dtype == Dataset.Float32)
            schema = schema with { Min = dataset.Min, Max = Math.Max(dataset.Max, dataset.Min + 1e-6) };
        return images.EncodeGrid(new TensorPayload([count, .. schema.Shape], values), schema) is { Length: > 0 } png ? png : null;
    }

    private static Failure Refuse(string field, string message) => Failure.OfFields([new FieldError(field, char.ToUpperInvariant(message[0]) + message[1..] + ".")]);

    private static void ReadRows(Stream file, DatasetLimits limits, RowSink rows, LabelSink labels, bool takesLabels)
    {
        using Stream plain = UploadedFile.Plain(file, limits);
        switch (UploadedFile.KindOf(plain))
        {
            case FileKind.Npy:
                ReadNpy(plain, rows);
                break;
            case FileKind.Idx:
                ReadIdx(plain, rows);
                break;
            case FileKind.Zip when HoldsArrays(plain, limits):
                ReadNpz(plain, limits, rows, takesLabels ? labels : null);
                break;
            case FileKind.Zip:
                ReadImages(plain, limits, rows, takesLabels ? labels : null);
                break;
            default:
                ReadCsv(plain, rows, takesLabels ? labels : null);
                break;
        }
    }

    private static void ReadLabels(Stream file, DatasetLimits limits, LabelSink labels)
    {
        using Stream plain = UploadedFile.Plain(file, limits);
        switch (UploadedFile.KindOf(plain))
        {
            case FileKind.Npy:
                ReadNumbers(plain, NpyHeaderOf(plain), labels.Write, levels => labels.Write(Array.ConvertAll(levels.ToArray(), level => (float)level)));
                break;
            case FileKind.Idx:
                ReadNumbers(plain, IdxHeaderOf(plain), labels.Write, levels => labels.Write(Array.ConvertAll(levels.ToArray(), level => (float)level)));
                break;
            case FileKind.Zip:
                throw new InvalidDatasetException("labels are read as npy, IDX or CSV, not as an archive");
            default:
                ArrayReader.ForEachRow(new StreamReader(plain), (row, label) => labels.Write(row.Length == 0 ? [label ?? 0] : row));
                break;
        }
    }

    private static void ReadNpy(Stream file, RowSink rows)
    {
        NpyHeader header = NpyHeaderOf(file);
        if (header.Shape.Count == 0)
            throw new InvalidDatasetException("the array is a single number: rows are wanted");
        // (n) are rows of one number.
        int[] shape = header.Shape.Count == 1 ? [1] : [.. header.Shape.Skip(1)];
        rows.Begin(shape, header.Dtype.IsUint8);
        if (header.FortranOrder)
            ReadTurned(file, header, rows);
        else
            ReadNumbers(file, header, rows.Write, rows.Write);
    }

    private static void ReadTurned(Stream file, NpyHeader header, RowSink rows)
    {
        if (file.Length > MaxTurnedBytes)
            throw new InvalidDatasetException($"the array is in Fortran order and over {MaxTurnedBytes >> 20} MiB: save it in C order (numpy.ascontiguousarray)");
        file.Position = 0;
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        try
        {
            float[] values = NpyFormat.Read(bytes).Values;
            if (header.Dtype.IsUint8)
                rows.Write(Array.ConvertAll(values, value => (byte)value).AsSpan());
            else
                rows.Write(values.AsSpan());
        }
        catch (FormatException e)
        {
            throw new InvalidDatasetException(e.Message, e);
        }
    }

    private static void ReadIdx(Stream file, RowSink rows)
    {
        NpyHeader header = IdxHeaderOf(file);
        rows.Begin(header.Shape.Count == 1 ? [1] : [.. header.Shape.Skip(1)], header.Dtype.IsUint8);
        ReadNumbers(file, header, rows.Write, rows.Write);
    }

    private static bool HoldsArrays(Stream file, DatasetLimits limits) =>
        UploadedFile.WithZip(file, limits, zip => zip.Entries.Any(entry => entry.FullName.EndsWith(".npy", StringComparison.Ordinal)));

    private static void ReadNpz(Stream file, DatasetLimits limits, RowSink rows, LabelSink? labels) => UploadedFile.WithZip(file, limits, zip =>
    {
        ZipArchiveEntry[] arrays = [.. zip.Entries.Where(entry => entry.FullName.EndsWith(".npy", StringComparison.Ordinal))];
        ZipArchiveEntry[] named = [.. arrays.Where(entry => s_labelNames.Contains(Path.GetFileNameWithoutExtension(entry.Name)))];
        ZipArchiveEntry[] others = [.. arrays.Except(named)];
        if (others.Length != 1 || named.Length > 1)
        {
            throw new InvalidDatasetException(
                $"the npz holds {string.Join(", ", arrays.Take(8).Select(entry => entry.Name))}: one array of rows is wanted, and at most one of labels, named {string.Join(", ", s_labelNames)}");
        }
        UploadedFile.Inflated(others[0], limits, array => ReadNpy(array, rows));
        if (labels is not null && named.Length == 1)
            UploadedFile.Inflated(named[0], limits, array => ReadNumbers(array, NpyHeaderOf(array), labels.Write, levels => labels.Write(Array.ConvertAll(levels.ToArray(), level => (float)level))));
        return true;
    });

    private static void ReadImages(Stream file, DatasetLimits limits, RowSink rows, LabelSink? labels)
    {
        (int Width, int Height)? size = null;
        int channels = 0;
        PngZipReader.ForEachFile(file, limits.MaxEntries, limits.MaxContentBytes, (name, png, label) =>
        {
            if (!PngPixels.TryReadSize(png.Span, out (int Width, int Height) found) || !PngPixels.IsWithinLimit(found) || png.Length < 26)
                throw new InvalidDatasetException($"'{name}' is no PNG file of at most {PngPixels.MaxPixels} pixels");
            if (size is null)
            {
                // Of the first file's header: gray with or without transparency is one channel, colours and palettes three.
                (size, channels) = (found, png.Span[25] is 0 or 4 ? 1 : 3);
                rows.Begin([channels, found.Height, found.Width], isUint8: true);
            }
            if (size != found)
                throw new InvalidDatasetException($"'{name}' has {found.Width}x{found.Height} pixels, the files before it {size.Value.Width}x{size.Value.Height}");
            (byte[]? pixels, string? fault) = PngPixels.Decode(png.Span, channels, null);
            rows.Write((pixels ?? throw new InvalidDatasetException($"'{name}' {fault}")).AsSpan());
            if (labels is not null && label is { } index)
                labels.Write([index]);
        });
        if (size is null)
            throw new InvalidDatasetException("the zip holds neither PNG files nor arrays");
    }

    private static void ReadCsv(Stream file, RowSink rows, LabelSink? labels)
    {
        bool begun = false;
        ArrayReader.ForEachRow(new StreamReader(file), (row, label) =>
        {
            if (!begun)
                rows.Begin([row.Length], isUint8: false);
            begun = true;
            rows.Write(row.AsSpan());
            if (labels is not null && label is { } index)
                labels.Write([index]);
        });
    }

    private static NpyHeader NpyHeaderOf(Stream file)
    {
        var head = new byte[NpyFormat.HeaderBytes];
        int read = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        try
        {
            NpyHeader header = NpyHeader.Read(head.AsSpan(0, read));
            file.Position = header.DataStart;
            return header;
        }
        catch (FormatException e)
        {
            throw new InvalidDatasetException(e.Message, e);
        }
    }

    /// <summary>IDX says the same as npy: a type, always big-endian, and sizes.</summary>
    private static NpyHeader IdxHeaderOf(Stream file)
    {
        Span<byte> four = stackalloc byte[4];
        Exactly(file, four);
        NpyDtype dtype = four[2] switch
        {
            0x08 => NpyDtype.Uint8,
            0x09 => new NpyDtype('i', 1, false),
            0x0b => new NpyDtype('i', 2, true),
            0x0c => new NpyDtype('i', 4, true),
            0x0d => new NpyDtype('f', 4, true),
            0x0e => new NpyDtype('f', 8, true),
            _ => throw new InvalidDatasetException($"the IDX file holds the unknown type 0x{four[2]:x2}"),
        };
        var shape = new int[four[3]];
        if (shape.Length is 0 or > 8)
            throw new InvalidDatasetException($"the IDX file has {shape.Length} dimensions: 1 to 8 are read");
        for (int i = 0; i < shape.Length; i++)
        {
            Exactly(file, four);
            uint size = BinaryPrimitives.ReadUInt32BigEndian(four);
            shape[i] = size is > 0 and <= int.MaxValue ? (int)size : throw new InvalidDatasetException($"the IDX file has a size of {size}");
        }
        return new NpyHeader(dtype, false, shape, 4 + 4 * shape.Length);
    }

    /// <summary>Reads what the header announces, in parts, and holds it against what is there.</summary>
    private static void ReadNumbers(Stream file, NpyHeader header, WriteFloats floats, WriteLevels levels)
    {
        long count;
        try
        {
            count = TensorPayload.ElementCount(header.Shape);
        }
        catch (OverflowException e)
        {
            throw new InvalidDatasetException("the shape overflows", e);
        }
        var bytes = new byte[ChunkNumbers * header.Dtype.Width];
        var values = new float[ChunkNumbers];
        for (long left = count; left > 0;)
        {
            int now = (int)Math.Min(ChunkNumbers, left);
            Span<byte> chunk = bytes.AsSpan(0, now * header.Dtype.Width);
            Exactly(file, chunk);
            left -= now;
            if (header.Dtype.IsUint8)
            {
                levels(chunk);
                continue;
            }
            try
            {
                header.Dtype.Convert(chunk, values.AsSpan(0, now));
            }
            catch (FormatException e)
            {
                throw new InvalidDatasetException(e.Message, e);
            }
            floats(values.AsSpan(0, now));
        }
        if (file.ReadByte() != -1)
            throw new InvalidDatasetException("the file is longer than its header says");
    }

    private static void Exactly(Stream file, Span<byte> bytes)
    {
        if (file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
            throw new InvalidDatasetException("the file is cut short: its header announces more than there is");
    }

    private delegate void WriteFloats(ReadOnlySpan<float> values);

    private delegate void WriteLevels(ReadOnlySpan<byte> levels);
}
