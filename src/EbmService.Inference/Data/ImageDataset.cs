using EbmService.Core.Models;

namespace EbmService.Inference.Data;

/// <summary>Images of one size as bytes (0 = black, 255 = white), with or without labels. Immutable by convention; safe to read from many threads.</summary>
public sealed class ImageDataset
{
    /// <param name="pixels">(n, channels, height, width), row-major.</param>
    /// <param name="labels">One class index per image, or null.</param>
    /// <param name="labelNames">Class names by index, where the source has names.</param>
    /// <exception cref="ArgumentException">The lengths don't agree.</exception>
    public ImageDataset(
        byte[] pixels, int channels, int height, int width, int[]? labels = null, IReadOnlyList<string>? labelNames = null)
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
        LabelNames = labelNames ?? [];
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

    public IReadOnlyList<string> LabelNames { get; }

    /// <summary>Rounds floats in [min, max] to bytes; values outside are clamped.</summary>
    public static ImageDataset FromFloats(
        ReadOnlySpan<float> values, int channels, int height, int width, double min, double max, int[]? labels = null)
    {
        var pixels = new byte[values.Length];
        for (int i = 0; i < values.Length; i++)
            pixels[i] = PixelScale.ToByte(values[i], min, max);
        return new ImageDataset(pixels, channels, height, width, labels);
    }

    /// <summary>The bytes of one image.</summary>
    public ReadOnlySpan<byte> Image(int index) => Pixels.AsSpan(index * ImageLength, ImageLength);

    /// <summary>The images of these indices, in their order, with their labels.</summary>
    public ImageDataset Subset(ReadOnlySpan<int> indices)
    {
        var pixels = new byte[checked(indices.Length * ImageLength)];
        int[]? labels = Labels is null ? null : new int[indices.Length];
        for (int i = 0; i < indices.Length; i++)
        {
            Image(indices[i]).CopyTo(pixels.AsSpan(i * ImageLength));
            if (labels is not null)
                labels[i] = Labels![indices[i]];
        }
        return new ImageDataset(pixels, Channels, Height, Width, labels, LabelNames);
    }

    /// <summary>A range of images, with their labels.</summary>
    public ImageDataset Slice(int start, int count) => new(
        Pixels.AsSpan(start * ImageLength, count * ImageLength).ToArray(), Channels, Height, Width,
        Labels?.AsSpan(start, count).ToArray(), LabelNames);

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
