using EbmService.Core.Models;

namespace EbmService.Inference.Data;

/// <summary>
/// Images of one size as bytes (0 = black, 255 = white), with or without
/// labels. Immutable by convention; safe to read from many threads.
/// </summary>
public sealed class ImageDataset
{
    /// <param name="pixels">(n, channels, height, width), row-major.</param>
    /// <param name="labels">One class index per image, or null.</param>
    /// <exception cref="ArgumentException">The lengths don't agree.</exception>
    public ImageDataset(byte[] pixels, int channels, int height, int width, int[]? labels = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        (Pixels, Channels, Height, Width) = (pixels, channels, height, width);
        ImageLength = checked(channels * height * width);
        Count = pixels.Length / ImageLength;
        if (Count * ImageLength != pixels.Length)
            throw new ArgumentException($"{pixels.Length} bytes are no whole number of images of {ImageLength}", nameof(pixels));
        if (labels is not null && labels.Length != Count)
            throw new ArgumentException($"{labels.Length} labels for {Count} images", nameof(labels));
        Labels = labels;
    }

    /// <value>(n, channels, height, width), row-major.</value>
    public byte[] Pixels { get; }

    public int Count { get; }

    public int Channels { get; }

    public int Height { get; }

    public int Width { get; }

    /// <value>Bytes in one image.</value>
    public int ImageLength { get; }

    /// <value>One class index per image, or null.</value>
    public int[]? Labels { get; }

    /// <summary>The bytes of one image.</summary>
    public ReadOnlySpan<byte> Image(int index) => Pixels.AsSpan(index * ImageLength, ImageLength);

    /// <summary>All images in the schema's range: 0 becomes its minimum, 255 its maximum.</summary>
    /// <exception cref="InvalidDatasetException">The images are not of the schema's shape.</exception>
    public float[] ToFloats(InputSchema schema)
    {
        CheckFits(schema);
        return Scale(Pixels, schema);
    }

    /// <summary>The images of these indices in the schema's range.</summary>
    /// <exception cref="InvalidDatasetException">The images are not of the schema's shape.</exception>
    public float[] ToFloats(InputSchema schema, ReadOnlySpan<int> indices)
    {
        CheckFits(schema);
        var values = new float[checked(indices.Length * ImageLength)];
        float[] table = PixelScale.Table(schema.Min, schema.Max);
        for (int i = 0; i < indices.Length; i++)
            PixelScale.Apply(Image(indices[i]), values.AsSpan(i * ImageLength), table);
        return values;
    }

    private static float[] Scale(byte[] pixels, InputSchema schema)
    {
        var values = new float[pixels.Length];
        PixelScale.Apply(pixels, values, PixelScale.Table(schema.Min, schema.Max));
        return values;
    }

    private void CheckFits(InputSchema schema)
    {
        if (!schema.Shape.SequenceEqual([Channels, Height, Width]))
        {
            throw new InvalidDatasetException(
                $"the images have shape [{Channels}, {Height}, {Width}], the model takes [{string.Join(", ", schema.Shape)}]");
        }
    }
}

/// <summary>Between bytes (0 to 255) and a model's range: linear, both ends exact.</summary>
internal static class PixelScale
{
    /// <summary>The value of each of the 256 bytes.</summary>
    internal static float[] Table(double min, double max)
    {
        var table = new float[256];
        for (int i = 0; i < table.Length; i++)
            table[i] = (float)(min + (max - min) * i / 255);
        return table;
    }

    internal static void Apply(ReadOnlySpan<byte> pixels, Span<float> values, float[] table)
    {
        for (int i = 0; i < pixels.Length; i++)
            values[i] = table[pixels[i]];
    }

    /// <summary>The nearest byte; values outside the range are clamped, NaN becomes 0.</summary>
    internal static byte ToByte(float value, double min, double max)
    {
        double scaled = (value - min) / (max - min) * 255;
        return double.IsNaN(scaled) ? (byte)0 : (byte)Math.Round(Math.Clamp(scaled, 0, 255), MidpointRounding.AwayFromZero);
    }
}

/// <summary>A data file is damaged, of another format, or over a limit.</summary>
public sealed class InvalidDatasetException(string message, Exception? inner = null) : Exception(message, inner);
