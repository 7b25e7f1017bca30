using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Inference.Assessment;

/// <summary>Out-of-distribution sets that need no files: made from a seed, or from the test images.</summary>
internal static class SyntheticOod
{
    /// <summary>Each number uniform over the input range.</summary>
    public static TensorPayload UniformNoise(InputSchema input, int count, int seed)
    {
        var random = new Random(seed);
        return Make(input, count, row =>
        {
            for (int i = 0; i < row.Length; i++)
                row[i] = (float)(input.Min + (input.Max - input.Min) * random.NextDouble());
        });
    }

    /// <summary>One value all over each input, uniform over the range.</summary>
    public static TensorPayload Constant(InputSchema input, int count, int seed)
    {
        var random = new Random(seed);
        return Make(input, count, row => row.Fill((float)(input.Min + (input.Max - input.Min) * random.NextDouble())));
    }

    /// <summary>Images upside down: the order of rows reversed.</summary>
    public static TensorPayload Flipped(TensorPayload images)
    {
        int height = images.Shape[2], width = images.Shape[3];
        var values = new float[images.Values.Length];
        for (int line = 0; line < values.Length / width; line++)
        {
            int mirrored = line / height * height + (height - 1 - line % height);
            images.Values.AsSpan(line * width, width).CopyTo(values.AsSpan(mirrored * width));
        }
        return images with { Values = values };
    }

    /// <summary>Black for white.</summary>
    public static TensorPayload Inverted(TensorPayload images, InputSchema input) =>
        images with { Values = Array.ConvertAll(images.Values, value => (float)(input.Min + input.Max - value)) };

    private delegate void Fill(Span<float> row);

    private static TensorPayload Make(InputSchema input, int count, Fill fill)
    {
        int length = input.Length();
        var values = new float[count * length];
        for (int i = 0; i < count; i++)
            fill(values.AsSpan(i * length, length));
        return new TensorPayload([count, .. input.Shape], values);
    }
}
