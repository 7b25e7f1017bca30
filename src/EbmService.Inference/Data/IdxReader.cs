using System.Buffers.Binary;
using System.IO.Compression;

namespace EbmService.Inference.Data;

/// <summary>Reads the IDX format of MNIST (unsigned bytes, one or three dimensions), plain or gzip.</summary>
/// <remarks>http://yann.lecun.com/exdb/mnist: 00 00 08 and the number of dimensions, the sizes as big-endian uint32, the bytes.</remarks>
public static class IdxReader
{
    /// <summary>The most bytes of data a file may hold, also after inflation.</summary>
    public const long MaxDataLength = 1L << 30;

    // Deflate can't do better than 1032:1, so a header that announces more lies.
    private const int MaxDeflateRatio = 1032;

    /// <summary>Reads images (dimensions n, height, width) and, where given, their labels.</summary>
    /// <exception cref="InvalidDatasetException">A file is not as the format demands, or the counts differ.</exception>
    public static ImageDataset ReadDataset(string imagesPath, string? labelsPath = null)
    {
        (byte[] pixels, int[] shape) = ReadFile(imagesPath, dimensions: 3);
        if (shape[1] == 0 || shape[2] == 0)
            throw new InvalidDatasetException("the IDX file holds images without pixels");
        int[]? labels = labelsPath is null ? null : ReadLabels(labelsPath);
        if (labels is not null && labels.Length != shape[0])
            throw new InvalidDatasetException($"{shape[0]} images, but {labels.Length} labels");
        return new ImageDataset(pixels, 1, shape[1], shape[2], labels);
    }

    /// <summary>Reads labels (one dimension).</summary>
    /// <exception cref="InvalidDatasetException">The file is not as the format demands.</exception>
    public static int[] ReadLabels(string path) => Array.ConvertAll(ReadFile(path, dimensions: 1).Data, value => (int)value);

    private static (byte[] Data, int[] Shape) ReadFile(string path, int dimensions)
    {
        using FileStream file = File.OpenRead(path);
        return Read(file, dimensions);
    }

    /// <summary>Reads a seekable stream, plain or gzip.</summary>
    internal static (byte[] Data, int[] Shape) Read(Stream file, int dimensions)
    {
        Span<byte> start = stackalloc byte[2];
        bool gzip = file.ReadAtLeast(start, 2, throwOnEndOfStream: false) == 2 && start[0] == 0x1f && start[1] == 0x8b;
        file.Position = 0;
        try
        {
            if (!gzip)
                return ReadPlain(file, dimensions, file.Length);
            using var inflated = new GZipStream(file, CompressionMode.Decompress, leaveOpen: true);
            return ReadPlain(inflated, dimensions, file.Length * MaxDeflateRatio);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDatasetException("the IDX file is cut short", e);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDatasetException("the gzip data is damaged", e);
        }
    }

    private static (byte[] Data, int[] Shape) ReadPlain(Stream stream, int dimensions, long most)
    {
        Span<byte> header = stackalloc byte[4 + 4 * dimensions];
        stream.ReadExactly(header);
        if (header[0] != 0 || header[1] != 0)
            throw new InvalidDatasetException("not an IDX file: it does not begin with two zero bytes");
        if (header[2] != 8 || header[3] != dimensions)
            throw new InvalidDatasetException(
                $"the IDX file holds type 0x{header[2]:x2} in {header[3]} dimensions; unsigned bytes (0x08) in {dimensions} are expected");
        var shape = new int[dimensions];
        long length = 1;
        for (int i = 0; i < dimensions; i++)
        {
            uint size = BinaryPrimitives.ReadUInt32BigEndian(header[(4 + 4 * i)..]);
            if (size > MaxDataLength || (length *= size) > MaxDataLength)
                throw new InvalidDatasetException("the IDX file announces more than 1 GiB of data");
            shape[i] = (int)size;
        }
        // Checked before allocating: the header alone must not cost memory.
        if (length > most)
            throw new InvalidDatasetException("the IDX file is cut short");
        var data = new byte[length];
        stream.ReadExactly(data);
        if (stream.ReadByte() != -1)
            throw new InvalidDatasetException("the IDX file is longer than its header says");
        return (data, shape);
    }
}

/// <summary>MNIST's four files.</summary>
public sealed record MnistFiles(string TrainImages, string TrainLabels, string TestImages, string TestLabels)
{
    /// <summary>The 60 000 training images.</summary>
    public ImageDataset ReadTrain() => IdxReader.ReadDataset(TrainImages, TrainLabels);

    /// <summary>The 10 000 test images.</summary>
    public ImageDataset ReadTest() => IdxReader.ReadDataset(TestImages, TestLabels);
}

/// <summary>Finds data sets by their standard file names.</summary>
public static class DatasetLocator
{
    /// <summary>
    /// Looks for <c>train-images-idx3-ubyte</c>, <c>train-labels-idx1-ubyte</c>, <c>t10k-images-idx3-ubyte</c> and
    /// <c>t10k-labels-idx1-ubyte</c>, with or without <c>.gz</c>.
    /// </summary>
    /// <exception cref="InvalidDatasetException">Some are missing; the message names them all.</exception>
    public static MnistFiles FindMnist(string folder)
    {
        string[] names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];
        string?[] found = [.. names.Select(name => FindFile(folder, name))];
        string[] missing = [.. names.Where((_, i) => found[i] is null)];
        if (missing.Length > 0)
            throw new InvalidDatasetException(
                $"MNIST is not complete in that folder; missing (with or without .gz): {string.Join(", ", missing)}");
        return new MnistFiles(found[0]!, found[1]!, found[2]!, found[3]!);
    }

    private static string? FindFile(string folder, string name)
    {
        // Some tools write "idx3-ubyte" after a dot.
        string[] spellings = [name, name.Replace("-idx", ".idx", StringComparison.Ordinal)];
        return spellings.SelectMany(spelling => new[] { spelling, spelling + ".gz" })
            .Select(spelling => Path.Combine(folder, spelling))
            .FirstOrDefault(File.Exists);
    }
}
