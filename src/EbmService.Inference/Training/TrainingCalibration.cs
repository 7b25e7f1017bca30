using EbmService.Core.Models;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Ood;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>Every score of <see cref="OodScorer.Names"/> for rows that were held out, without data noise, a tile at a time.</summary>
/// <param name="model">Owned from now on.</param>
/// <param name="rows">Indices in the data.</param>
internal sealed class TrainingCalibration(IEnergyModel model, InputSchema input, ITrainingData data, IReadOnlyList<int> rows) : IDisposable
{
    /// <summary>Rows of a tile.</summary>
    public const int Tile = 64;

    private readonly IReadOnlyList<string> _names = OodScorer.Names(model);

    /// <value>By name, one number for each row; those not reached yet are 0.</value>
    public IReadOnlyDictionary<string, float[]> Scores { get; } = OodScorer.Names(model).ToDictionary(name => name, _ => new float[rows.Count]);

    /// <value>Tiles done.</value>
    public int Done { get; set; }

    /// <summary>Over the rows that a run holds out.</summary>
    /// <param name="weights">By parameter; neither owned nor changed.</param>
    public static TrainingCalibration Of(
        ModelDescriptor model, TrainingRecipe recipe, IReadOnlyDictionary<string, Tensor> weights, ITrainingData data) => new(
        EnergyModelFactory.Frozen(model.Architecture.Spec(), weights), model.Input, data, HeldOutSplit.HeldOutRows(recipe, data.Count));

    public static int TilesOf(TrainingRecipe recipe, int dataRows) => (HeldOutSplit.HeldOut(recipe, dataRows) + Tile - 1) / Tile;

    /// <summary>Goes on until all rows are scored or the time is over.</summary>
    /// <returns>Whether all are.</returns>
    public bool TryAdvance(Func<bool> isSpent)
    {
        while (Done * Tile < rows.Count)
        {
            using DisposeScope scope = NewDisposeScope();
            int first = Done * Tile, count = Math.Min(Tile, rows.Count - first);
            float[] tile = OodScorer.Score(model, TrainingRows.Read(input, data, rows, first, count)).ToFloats();
            foreach ((int i, string name) in _names.Index())
                tile.AsSpan(i * count, count).CopyTo(Scores[name].AsSpan(first));
            Done++;
            if (isSpent())
                break;
        }
        return Done * Tile >= rows.Count;
    }

    public void Dispose() => model.Dispose();
}

/// <summary>Reads rows that are looked at and not trained on.</summary>
internal static class TrainingRows
{
    /// <returns>(count, ...input); of a binary model the same draw at every call.</returns>
    public static Tensor Read(InputSchema input, ITrainingData data, IReadOnlyList<int> rows, int first, int count)
    {
        var values = new float[count * data.RowLength];
        for (int i = 0; i < count; i++)
            data.CopyRow(rows[first + i], values.AsSpan(i * data.RowLength, data.RowLength));
        Tensor read = tensor(values, [count, .. input.Shape.Select(size => (long)size)]);
        return input.Variables == VariableKind.Binary ? BinaryLevels.DrawFixed(read, first) : read;
    }
}
