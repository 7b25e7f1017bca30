using System.Runtime.InteropServices;
using EbmService.Core.Tensors;

namespace EbmService.Inference.Formats;

/// <summary>Reads some rows of a .npy file without the others.</summary>
internal static class NpyRows
{
    /// <summary>The rows from <paramref name="first"/> on; behind the last one the file begins again.</summary>
    /// <param name="file">A seekable stream.</param>
    /// <param name="input">The shape of one row: the file's last sizes. All sizes before them count rows.</param>
    /// <returns>(count, ...input), in C order.</returns>
    /// <exception cref="FormatException">The file holds no such rows of float32 in C order.</exception>
    public static float[] Read(Stream file, IReadOnlyList<int> input, long first, int count)
    {
        (long start, long rows, int length) = Find(file, input);
        var values = new float[count * length];
        for (int row = 0; row < count;)
        {
            long from = (first + row) % rows;
            int together = (int)Math.Min(count - row, rows - from);
            file.Position = start + from * length * sizeof(float);
            file.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan(row * length, together * length)));
            row += together;
        }
        return values;
    }

    private static (long Start, long Rows, int Length) Find(Stream file, IReadOnlyList<int> input)
    {
        var head = new byte[NpyFormat.HeaderBytes];
        file.Position = 0;
        NpyHeader header = NpyHeader.Read(head.AsSpan(0, file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)));
        int length = input.Aggregate(1, (product, size) => checked(product * size));
        long rows = TensorPayload.ElementCount(header.Shape) / length;
        return header.IsPlain(file.Length) && rows > 0 && header.Shape.TakeLast(input.Count).SequenceEqual(input)
            ? (header.DataStart, rows, length)
            : throw new FormatException($"the file holds no rows of shape [{string.Join(", ", input)}] in float32 and C order");
    }
}
