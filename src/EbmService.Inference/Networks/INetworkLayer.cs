using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>
/// A layer whose gradient by its input is written by hand. The same operators make the way forward with and without a gradient, so an
/// energy has the same bits
/// either way; where parameters are trained, autograd differentiates the way forward instead.
/// </summary>
internal interface INetworkLayer
{
    /// <param name="x">A map (n, channels, height, width), which stays as it is.</param>
    /// <returns>A new tensor, or x itself where the layer changes nothing.</returns>
    Tensor Forward(Tensor x, NetworkPass pass);

    /// <summary>From the gradient by the output to that by the input, in the opposite order of the ways forward.</summary>
    Tensor Backward(Tensor gradient, NetworkPass pass);
}

/// <param name="Shape">(n, channels, height, width).</param>
internal readonly record struct MapSize(long[] Shape, ScalarType Dtype);

/// <summary>One way through a network: the labels of its rows, and what the way back needs, as a stack.</summary>
/// <param name="labels">A class per row (n) int64, or null.</param>
/// <param name="keeps">Whether a way back follows.</param>
internal sealed class NetworkPass(Tensor? labels, bool keeps) : IDisposable
{
    private readonly Stack<Tensor> _kept = [];
    private readonly Stack<MapSize> _sizes = [];

    public Tensor? Labels { get; } = labels;

    /// <summary>Puts an alias aside, which outlives the current dispose scope.</summary>
    public void Keep(Tensor tensor)
    {
        if (keeps)
            _kept.Push(tensor.alias().DetachFromDisposeScope());
    }

    /// <summary>The tensor that was kept last; the caller disposes it.</summary>
    public Tensor Recall() => _kept.Pop();

    /// <summary>Notes a map's size, for layers that need nothing else of it: the map itself may go.</summary>
    public void KeepSize(Tensor map)
    {
        if (keeps)
            _sizes.Push(new MapSize(map.shape, map.dtype));
    }

    /// <summary>The size that was kept last.</summary>
    public MapSize RecallSize() => _sizes.Pop();

    public void Dispose()
    {
        while (_kept.TryPop(out Tensor? tensor))
            tensor.Dispose();
    }
}
