using EbmService.Core.Models;
using EbmService.Core.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>Draws training rows as tensors; used by one slot, which owns the generator.</summary>
internal sealed class TrainingBatch(ITrainingData data, IReadOnlyList<int> rows, InputSchema input)
{
    /// <summary>Rows drawn with replacement: (count, ...input), labels (count) int64 or null.</summary>
    public (Tensor X, Tensor? Labels) Draw(int count, ImageAugmentation? augmentation, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        long[] picks = randint(rows.Count, [count], dtype: ScalarType.Int64, generator: generator).data<long>().ToArray();
        var values = new float[count * data.RowLength];
        var labels = new long[count];
        float[] draws = augmentation is null ? [] : rand([count, ImageAugmentation.Draws], generator: generator).data<float>().ToArray();
        var source = new float[data.RowLength];
        for (int i = 0; i < count; i++)
        {
            int row = rows[(int)picks[i]];
            Span<float> target = values.AsSpan(i * data.RowLength, data.RowLength);
            data.CopyRow(row, augmentation is null ? target : source);
            augmentation?.Apply(source, target, draws.AsSpan(i * ImageAugmentation.Draws, ImageAugmentation.Draws));
            labels[i] = data.Label(row);
        }
        Tensor x = tensor(values, [count, .. input.Shape.Select(size => (long)size)]);
        return (x.MoveToOuterDisposeScope(), data.HasLabels ? tensor(labels).MoveToOuterDisposeScope() : null);
    }
}

/// <summary>Random shift, rotation and scale of an image by bilinear sampling; outside is background (the range's minimum).</summary>
internal sealed class ImageAugmentation(InputSchema input, ClassificationRecipe recipe)
{
    /// <value>Random numbers in [0, 1) used per image.</value>
    public const int Draws = 4;

    public void Apply(ReadOnlySpan<float> source, Span<float> target, ReadOnlySpan<float> draws)
    {
        int height = input.Shape[1], width = input.Shape[2], plane = height * width;
        double angle = Signed(draws[0]) * recipe.Rotation * Math.PI / 180;
        double scale = 1 / (1 + Signed(draws[1]) * recipe.Scale);
        float cos = (float)(Math.Cos(angle) * scale), sin = (float)(Math.Sin(angle) * scale);
        float middleY = (height - 1) / 2f, middleX = (width - 1) / 2f;
        float shiftY = (float)(Signed(draws[2]) * recipe.Shift), shiftX = (float)(Signed(draws[3]) * recipe.Shift);
        for (int channel = 0; channel < input.Shape[0]; channel++)
        {
            ReadOnlySpan<float> from = source.Slice(channel * plane, plane);
            Span<float> to = target.Slice(channel * plane, plane);
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    float dy = y - middleY - shiftY, dx = x - middleX - shiftX;
                    to[y * width + x] = Sample(from, height, width,
                        cos * dy - sin * dx + middleY, sin * dy + cos * dx + middleX);
                }
            }
        }
    }

    private float Sample(ReadOnlySpan<float> image, int height, int width, float y, float x)
    {
        int top = (int)MathF.Floor(y), left = (int)MathF.Floor(x);
        float down = y - top, right = x - left;
        return (1 - down) * ((1 - right) * At(image, height, width, top, left) + right * At(image, height, width, top, left + 1))
            + down * ((1 - right) * At(image, height, width, top + 1, left) + right * At(image, height, width, top + 1, left + 1));
    }

    private float At(ReadOnlySpan<float> image, int height, int width, int y, int x) =>
        (uint)y < (uint)height && (uint)x < (uint)width ? image[y * width + x] : (float)input.Min;

    private static double Signed(float draw) => 2 * draw - 1;
}
