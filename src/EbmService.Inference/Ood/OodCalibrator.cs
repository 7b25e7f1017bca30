using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Checkpoints;
using EbmService.Inference.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Ood;

/// <summary>Scores rows that a model was not trained on: the calibration set of a version.</summary>
internal static class OodCalibrator
{
    private const int Tile = 64;

    /// <summary>Every score of <see cref="OodScorer.Names"/> for the given rows, without data noise.</summary>
    public static IReadOnlyDictionary<string, float[]> Calibrate(
        IEnergyModel model, InputSchema input, ITrainingData data, IReadOnlyList<int> rows)
    {
        IReadOnlyList<string> names = OodScorer.Names(model);
        Dictionary<string, float[]> scores = names.ToDictionary(name => name, _ => new float[rows.Count]);
        for (int first = 0; first < rows.Count; first += Tile)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(Tile, rows.Count - first);
            float[] tile = OodScorer.Score(model, Read(input, data, rows, first, count)).ToFloats();
            foreach ((int i, string name) in names.Index())
                tile.AsSpan(i * count, count).CopyTo(scores[name].AsSpan(first));
        }
        return scores;
    }

    private static Tensor Read(InputSchema input, ITrainingData data, IReadOnlyList<int> rows, int first, int count)
    {
        var values = new float[count * data.RowLength];
        for (int i = 0; i < count; i++)
            data.CopyRow(rows[first + i], values.AsSpan(i * data.RowLength, data.RowLength));
        return tensor(values, [count, .. input.Shape.Select(size => (long)size)]);
    }
}
