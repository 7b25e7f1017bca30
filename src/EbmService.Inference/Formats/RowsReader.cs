using System.Runtime.InteropServices;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Tensors;
using EbmService.Inference.Data;

namespace EbmService.Inference.Formats;

/// <summary>Reads some rows of a job's input as the model takes them: memory grows with what is asked for, not with the file.</summary>
internal static class RowsReader
{
    /// <param name="first">Among the rows of the spec, from 0.</param>
    /// <returns>(count, ...input) in C order: uint8 of image models mapped to the range, else the numbers as they are; binarised where the spec says so.</returns>
    /// <exception cref="Core.Failures.FailureException">The file is missing or damaged.</exception>
    public static float[] Read(IJobInputs inputs, JobDefinition job, RowsSpec rows, InputSchema input, int first, int count)
    {
        using Stream file = inputs.Open(job.Id, rows.ToInput());
        float[] values = Read(file, input, (long)rows.Offset + first, count);
        if (rows.Binarise)
            Binarise(values, input);
        return values;
    }

    /// <summary>Class indices of some rows; null where the spec has none.</summary>
    public static int[]? ReadLabels(IJobInputs inputs, JobDefinition job, RowsSpec rows, int first, int count)
    {
        if (!rows.HasLabels)
            return null;
        using Stream file = inputs.Open(job.Id, rows.LabelsInput());
        float[] labels = Read(file, new InputSchema(InputKind.Vector, [1], 0, 0), (long)rows.LabelsOffset + first, count);
        return Array.ConvertAll(labels, label => (int)label);
    }

    /// <param name="file">A seekable .npy file of float32 or uint8 in C order.</param>
    /// <exception cref="FormatException">It holds no such rows.</exception>
    internal static float[] Read(Stream file, InputSchema input, long first, int count)
    {
        var head = new byte[NpyFormat.HeaderBytes];
        file.Position = 0;
        NpyHeader header = NpyHeader.Read(head.AsSpan(0, file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)));
        int length = input.Length(), width = header.Dtype.Width;
        long numbers = TensorPayload.ElementCount(header.Shape);
        bool isPlain = header.Dtype == NpyDtype.Float32 || header.Dtype.IsUint8;
        if (!isPlain || header.FortranOrder || file.Length - header.DataStart != numbers * width || (first + count) * length > numbers)
            throw new FormatException($"the file holds no rows of shape [{string.Join(", ", input.Shape)}] there");
        var values = new float[count * length];
        file.Position = header.DataStart + first * length * width;
        if (!header.Dtype.IsUint8)
        {
            file.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }
        var levels = new byte[values.Length];
        file.ReadExactly(levels);
        (double min, double max) = input.Kind == InputKind.Image ? (input.Min, input.Max) : (0, 255);
        PixelScale.Apply(levels, values, PixelScale.Table(min, max));
        return values;
    }

    /// <summary>As <see cref="Read(Stream, InputSchema, long, int)"/>; behind the last row the file begins again.</summary>
    internal static float[] ReadInTurn(Stream file, InputSchema input, long first, int count)
    {
        var head = new byte[NpyFormat.HeaderBytes];
        file.Position = 0;
        NpyHeader header = NpyHeader.Read(head.AsSpan(0, file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)));
        long rows = TensorPayload.ElementCount(header.Shape) / input.Length();
        var values = new List<float>(count * input.Length());
        for (int row = 0; row < count;)
        {
            long from = (first + row) % rows;
            int together = (int)Math.Min(count - row, rows - from);
            values.AddRange(Read(file, input, from, together));
            row += together;
        }
        return [.. values];
    }

    private static void Binarise(float[] values, InputSchema input)
    {
        float middle = (float)((input.Min + input.Max) / 2);
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(values[i] >= middle ? input.Max : input.Min);
    }
}
