using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Inference.Architectures;
using EbmService.Inference.Buffers;
using EbmService.Inference.Ood;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Queries;

/// <summary>
/// Whether a model's rows have the same bits in tiles four times as wide as those of a lone query, on this machine; then queries of many rows are answered in
/// those, a third faster. Found by trying, at the first such query: the order in which a kernel sums depends on shapes, not on values, so where random rows agree to the
/// last bit in float64 sums and in gradients, all rows do (docs/adr/0004).
/// </summary>
internal sealed class WideTiles(IEnergyModel model, InputSchema input, Device device)
{
    public const int Rows = 4 * ModelQuery.TileRows;

    private const ulong Seed = 4;
    private const int Trial = 2 * Rows;

    // No Lazy, which would keep an exception for good: memory that is short now need not be so at the next query.
    private readonly Lock _trying = new();
    private bool? _forward, _gradients;

    /// <summary>How many rows of such a query to take at once while so many are left.</summary>
    public int RowsFor(ModelQuery query)
    {
        // Refinement repeats gradients on rows that move: not worth a trial of its own.
        bool holds = query.RefineSteps == 0 && Holds(ref _forward, Forward) && (!NeedsGradient(query) || Holds(ref _gradients, Gradients));
        return holds ? Rows : ModelQuery.TileRows;
    }

    private bool Holds(ref bool? known, Func<IEnergyModel, Tensor, Tensor[]> compute)
    {
        lock (_trying)
            return known ??= Agree(compute);
    }

    private static bool NeedsGradient(ModelQuery query) => query.Kind == QueryKind.OutOfDistribution || query.Gradients || query.AbstainBelow is not null;

    private static Tensor[] Forward(IEnergyModel model, Tensor x) =>
        model.Logits(x) is { } logits ? [model.Energy(x), logits, logits.logsumexp(1), logits.softmax(1)] : [model.Energy(x)];

    private static Tensor[] Gradients(IEnergyModel model, Tensor x)
    {
        using IDisposable graph = enable_grad();
        (Tensor energy, Tensor gradient) = model.EnergyAndGradient(x);
        return [energy, gradient, OodScorer.Score(model, x).t(), .. FittedScores.Pick(model.Layers(x))];
    }

    private bool Agree(Func<IEnergyModel, Tensor, Tensor[]> compute)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(Seed);
        Tensor x = ReplayBuffer.FromBase(Trial, input, generator, CPU).to(device);
        return Bits(Rows).AsSpan().SequenceEqual(Bits(ModelQuery.TileRows));

        byte[] Bits(int rows)
        {
            Tensor[][] tiles = [.. Enumerable.Range(0, Trial / rows).Select(i => compute(model, x.narrow(0, i * rows, rows).clone()))];
            return [.. Enumerable.Range(0, tiles[0].Length).SelectMany(i => cat([.. tiles.Select(tile => tile[i])]).cpu().contiguous().bytes.ToArray())];
        }
    }
}
