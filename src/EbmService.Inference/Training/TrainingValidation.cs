using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <param name="EnergyGap">Mean E of held-out rows less mean E of training rows: it grows where the model overfits (Hinton 2010, section 6).</param>
/// <param name="ReconstructionError">Mean |v - v'| of training rows, v' after one Gibbs sweep from v; null without Gibbs.</param>
public sealed record Validated(double EnergyGap, double? ReconstructionError);

/// <summary>
/// Compares the same few held-out rows with the same few training rows, a tile at a time; draws from generators of its own, so that it
/// changes nothing of the run. Energies of a model with latent variables are those at their mean-field means.
/// </summary>
internal sealed class TrainingValidation(
    InputSchema visible, ITrainingData data, IReadOnlyList<int> training, IReadOnlyList<int> heldOut, IEnergyModel model)
{
    private const int Tile = 32;
    private const int Rows = 128;
    private const ulong Seed = 2;

    private readonly int _rows = Math.Min(Rows, Math.Min(training.Count, heldOut.Count));
    private readonly double[] _sums = new double[3];
    private int _done;

    /// <summary>Goes on until all tiles are done or the time is over.</summary>
    public bool TryAdvance(Func<bool> isSpent)
    {
        while (_done < _rows)
        {
            Advance();
            if (isSpent() && _done < _rows)
                return false;
        }
        return true;
    }

    /// <summary>The numbers, once all is done; the next comparison begins then.</summary>
    public Validated Take()
    {
        var taken = new Validated(
            (_sums[1] - _sums[0]) / _rows, model is IBlockConditionals ? _sums[2] / (_rows * (double)visible.Length()) : null);
        Restart();
        return taken;
    }

    /// <summary>The open comparison, for a checkpoint.</summary>
    public double[] Save() => [_done, .. _sums];

    public void Restore(double[] saved)
    {
        _done = (int)saved[0];
        saved.AsSpan(1, _sums.Length).CopyTo(_sums);
    }

    private void Restart()
    {
        _done = 0;
        Array.Clear(_sums);
    }

    private void Advance()
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int count = Math.Min(Tile, _rows - _done);
        Tensor known = TrainingRows.ReadStates(model, visible, data, training, _done, count);
        _sums[0] += model.Energy(known).sum().ToDouble();
        _sums[1] += model.Energy(TrainingRows.ReadStates(model, visible, data, heldOut, _done, count)).sum().ToDouble();
        if (model is IBlockConditionals conditionals)
        {
            using var generator = new Generator(Seed + (ulong)_done);
            Tensor again = known.clone();
            for (int block = 0; block < conditionals.Blocks; block++)
                conditionals.Resample(again, block, temperature: 1, labels: null, held: null, generator);
            _sums[2] += Visible(again.sub(known)).abs().sum().ToDouble();
        }
        _done += count;
    }

    private Tensor Visible(Tensor states) => model is ILatentModel latent ? states.narrow(1, 0, latent.VisibleLength) : states;
}
