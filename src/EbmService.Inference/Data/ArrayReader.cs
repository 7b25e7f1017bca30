using System.Globalization;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Training;
using Sylvan.Data.Csv;

namespace EbmService.Inference.Data;

/// <summary>Reads rows of numbers: .npy files and CSV.</summary>
public static class ArrayReader
{
    /// <summary>The column of a CSV file's header that holds class indices.</summary>
    public const string LabelColumn = "label";

    /// <param name="rowsPath">(n, ...input), any plain type; uint8 rows of an image model are pixel levels, all else is taken as it is.</param>
    /// <param name="labelsPath">(n) class indices, or null.</param>
    /// <exception cref="InvalidDatasetException">A file is damaged or of another shape.</exception>
    public static ITrainingData ReadNpy(string rowsPath, string? labelsPath, InputSchema input)
    {
        TensorPayload rows = Read(rowsPath, out NpyHeader header);
        int length = input.Length();
        if (rows.Shape.Count < 2 || rows.Shape[0] == 0 || rows.Values.Length / rows.Shape[0] != length)
        {
            throw new InvalidDatasetException(
                $"the array has shape [{string.Join(", ", rows.Shape)}], the model takes rows of [{string.Join(", ", input.Shape)}]");
        }
        if (header.Dtype is { Kind: 'u', Width: 1 } && input.Kind == InputKind.Image)
            Scale(rows.Values, input);
        return Checked(rows.Values, length, labelsPath is null ? null : Labels(Read(labelsPath, out _), rows.Shape[0]));
    }

    /// <summary>One row a line; a first line that is no numbers names the columns, of which <see cref="LabelColumn"/> holds the class.</summary>
    /// <exception cref="InvalidDatasetException">A line has other columns than the first, or what is no finite number.</exception>
    public static ITrainingData ReadCsv(string path, InputSchema input)
    {
        using var text = new StreamReader(path);
        return ReadCsv(text, input);
    }

    internal static ITrainingData ReadCsv(TextReader text, InputSchema input)
    {
        var values = new List<float>();
        var labels = new List<int>();
        int length = input.Length();
        ForEachRow(text, (row, label) =>
        {
            if (row.Length != length)
                throw new InvalidDatasetException($"a line has {row.Length} columns, the model takes {length} numbers (and a column '{LabelColumn}', where there are classes)");
            values.AddRange(row);
            if (label is { } index)
                labels.Add(index);
            if (values.Count > IdxReader.MaxDataLength / sizeof(float))
                throw new InvalidDatasetException("the file holds more than 1 GiB of numbers");
        });
        return Checked([.. values], length, labels.Count == 0 ? null : [.. labels]);
    }

    /// <summary>Reads lines of finite numbers one by one.</summary>
    /// <param name="take">Takes the numbers of a line, a buffer that is used again, and its label, of all lines or of none.</param>
    /// <exception cref="InvalidDatasetException">A line has other columns than the first, or what is no finite number.</exception>
    internal static void ForEachRow(TextReader text, Action<float[], int?> take)
    {
        int label = -1, columns = -1, line = 0;
        float[] row = [];
        try
        {
            using CsvDataReader csv = CsvDataReader.Create(text, new CsvDataReaderOptions { HasHeaders = false, BufferSize = 1 << 16 });
            while (csv.Read())
            {
                line++;
                if (columns < 0)
                {
                    columns = csv.RowFieldCount;
                    bool isHeader = !TryNumber(csv.GetString(0), out _);
                    if (isHeader)
                    {
                        int[] named = [.. Enumerable.Range(0, columns).Where(i => csv.GetString(i).Trim() == LabelColumn)];
                        label = named.Length <= 1 ? named.FirstOrDefault(-1) : throw new InvalidDatasetException($"{named.Length} columns are named '{LabelColumn}'");
                    }
                    row = new float[columns - (label < 0 ? 0 : 1)];
                    if (isHeader)
                        continue;
                }
                if (csv.RowFieldCount != columns)
                    throw new InvalidDatasetException($"line {line} has {csv.RowFieldCount} columns, the first has {columns}");
                int? index = null;
                for (int i = 0, to = 0; i < columns; i++)
                {
                    if (!TryNumber(csv.GetString(i), out float number))
                        throw new InvalidDatasetException($"line {line}, column {i + 1}: '{Shown(csv.GetString(i))}' is no finite number");
                    if (i == label)
                        index = Label(number, line);
                    else
                        row[to++] = number;
                }
                take(row, index);
            }
        }
        catch (CsvFormatException e)
        {
            throw new InvalidDatasetException($"line {line + 1} is no CSV", e);
        }
    }

    private static bool TryNumber(string text, out float number) =>
        float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && float.IsFinite(number);

    private static string Shown(string text) => text.Length <= 40 ? text : text[..40] + "...";

    private static TensorPayload Read(string path, out NpyHeader header)
    {
        if (new FileInfo(path).Length > IdxReader.MaxDataLength)
            throw new InvalidDatasetException($"'{Path.GetFileName(path)}' is over 1 GiB");
        try
        {
            return NpyFormat.Read(File.ReadAllBytes(path), out header);
        }
        catch (FormatException e)
        {
            throw new InvalidDatasetException($"'{Path.GetFileName(path)}': {e.Message}", e);
        }
    }

    private static void Scale(float[] levels, InputSchema input)
    {
        float[] table = PixelScale.Table(input.Min, input.Max);
        for (int i = 0; i < levels.Length; i++)
            levels[i] = table[(int)levels[i]];
    }

    private static int[] Labels(TensorPayload labels, int rows) => labels.Values.Length == rows
        ? [.. labels.Values.Select((value, row) => Label(value, row + 1))]
        : throw new InvalidDatasetException($"{rows} rows, but {labels.Values.Length} labels");

    internal static int Label(float number, int row) => number >= 0 && number < 1 << 20 && number == MathF.Floor(number)
        ? (int)number
        : throw new InvalidDatasetException($"the label of row {row} is {number.ToString(CultureInfo.InvariantCulture)}: class indices are whole numbers from 0");

    private static ArrayTrainingData Checked(float[] values, int length, int[]? labels)
    {
        int bad = Array.FindIndex(values, value => !float.IsFinite(value));
        return bad < 0
            ? new ArrayTrainingData(values, length, labels)
            : throw new InvalidDatasetException($"row {bad / length + 1} holds a number that is not finite");
    }
}
