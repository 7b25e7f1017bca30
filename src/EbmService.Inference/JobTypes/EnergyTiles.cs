using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes;

/// <summary>
/// Energies, gradients and logits of rows in host memory, in padded tiles of one shape: a row's numbers don't depend on the rows beside it. One device
/// thread at a time.
/// </summary>
internal sealed class EnergyTiles(LiveModel model, Device device)
{
    /// <summary>Rows that go through the model together.</summary>
    public const int TileRows = 8;

    private readonly int _length = model.Descriptor.Input.Length();
    private readonly long[] _shape = [TileRows, .. model.Descriptor.Input.Shape.Select(size => (long)size)];
    private readonly float[] _padded = new float[TileRows * model.Descriptor.Input.Length()];

    /// <summary>E(x), or E(x, y) where labels are given.</summary>
    /// <param name="rows">(n, input).</param>
    public void Energies(ReadOnlySpan<float> rows, int[]? labels, Span<double> energies)
    {
        using IDisposable noGradient = no_grad();
        for (int first = 0; first < energies.Length; first += TileRows)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(TileRows, energies.Length - first);
            model.Energy.Energy(Tile(rows, first, count), Labels(labels, first, count)).cpu().data<double>().ToArray().AsSpan(0, count).CopyTo(energies[first..]);
        }
    }

    /// <summary>E and dE/dx.</summary>
    /// <param name="gradients">(n, input).</param>
    public void Gradients(ReadOnlySpan<float> rows, int[]? labels, Span<double> energies, Span<float> gradients)
    {
        for (int first = 0; first < energies.Length; first += TileRows)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(TileRows, energies.Length - first);
            (Tensor energy, Tensor gradient) = model.Energy.EnergyAndGradient(Tile(rows, first, count), Labels(labels, first, count));
            energy.cpu().data<double>().ToArray().AsSpan(0, count).CopyTo(energies[first..]);
            gradient.ToFloats().AsSpan(0, count * _length).CopyTo(gradients[(first * _length)..]);
        }
    }

    /// <summary>Class logits (n, classes), of a model that has some.</summary>
    public void Logits(ReadOnlySpan<float> rows, int count, Span<double> logits)
    {
        using IDisposable noGradient = no_grad();
        int classes = model.Energy.Classes;
        for (int first = 0; first < count; first += TileRows)
        {
            using DisposeScope scope = NewDisposeScope();
            int some = Math.Min(TileRows, count - first);
            model.Energy.Logits(Tile(rows, first, some))!.cpu().data<double>().ToArray().AsSpan(0, some * classes).CopyTo(logits[(first * classes)..]);
        }
    }

    private Tensor Tile(ReadOnlySpan<float> rows, int first, int count)
    {
        Array.Clear(_padded);
        rows.Slice(first * _length, count * _length).CopyTo(_padded);
        return tensor(_padded, _shape).to(device);
    }

    private Tensor? Labels(int[]? labels, int first, int count)
    {
        if (labels is null)
            return null;
        var tile = new long[TileRows];
        for (int i = 0; i < count; i++)
            tile[i] = labels[first + i];
        return tensor(tile).to(device);
    }
}
