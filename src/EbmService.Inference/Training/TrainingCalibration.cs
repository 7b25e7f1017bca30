using EbmService.Core.Models;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Ood;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>Every score of <see cref="OodScorer.Names"/> for rows that were held out, without data noise, a tile at a time.</summary>
/// <remarks>
/// A model with latent variables is asked about whole states of zeros and ones, so its rows are those: latents are drawn, the same at every call, given their
/// mean-field means. Where the energy is multilinear, the mean of such energies is that of the means.
/// </remarks>
/// <param name="model">Owned from now on.</param>
/// <param name="visible">What a row of the data is.</param>
/// <param name="rows">Indices in the data.</param>
internal sealed class TrainingCalibration(IEnergyModel model, InputSchema visible, ITrainingData data, IReadOnlyList<int> rows) : IDisposable
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
        EnergyModelFactory.Frozen(model.Architecture.Spec(), weights), model.VisibleSchema(), data, HeldOutSplit.HeldOutRows(recipe, data.Count));

    public static int TilesOf(TrainingRecipe recipe, int dataRows) => (HeldOutSplit.HeldOut(recipe, dataRows) + Tile - 1) / Tile;

    /// <summary>Goes on until all rows are scored or the time is over.</summary>
    /// <returns>Whether all are.</returns>
    public bool TryAdvance(Func<bool> isSpent)
    {
        while (Done * Tile < rows.Count)
        {
            using DisposeScope scope = NewDisposeScope();
            int first = Done * Tile, count = Math.Min(Tile, rows.Count - first);
            Tensor states = TrainingRows.ReadStates(model, visible, data, rows, first, count);
            float[] tile = OodScorer.Score(model, model is ILatentModel ? BinaryLevels.DrawFixedLatents(states, first) : states).ToFloats();
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

    /// <summary>As <see cref="Read"/>, and what the model's energy is of: with the mean-field means of latent variables, where it has them.</summary>
    /// <param name="visible">What a row of the data is.</param>
    public static Tensor ReadStates(IEnergyModel model, InputSchema visible, ITrainingData data, IReadOnlyList<int> rows, int first, int count)
    {
        Tensor read = Read(visible, data, rows, first, count);
        return model is ILatentModel latent ? latent.Infer(read) : read;
    }
}
