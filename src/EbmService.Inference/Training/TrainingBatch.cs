using EbmService.Core.Models;
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
