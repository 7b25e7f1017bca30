using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>The live chains of one block, on one device thread. All memory is allocated once.</summary>
public sealed class ChainState : IDisposable
{
    internal ChainState(Tensor x, Tensor? labels)
    {
        X = x.DetachFromDisposeScope();
        Labels = labels?.DetachFromDisposeScope();
        Noise = empty_like(X).DetachFromDisposeScope();
        Safe = X.clone().DetachFromDisposeScope();
        Energy = zeros(X.shape[0], device: X.device).DetachFromDisposeScope();
        GradientNorm = zeros(X.shape[0], device: X.device).DetachFromDisposeScope();
        Alive = ones(X.shape[0], dtype: ScalarType.Bool, device: X.device).DetachFromDisposeScope();
    }

    /// <value>Current points (n, ...).</value>
    public Tensor X { get; }

    /// <value>Class index per chain (n) int64, or null for unconditional chains.</value>
    public Tensor? Labels { get; }

    /// <value>E at the point where the latest gradient was taken, (n).</value>
    public Tensor Energy { get; }

    /// <value>L2 norm of that gradient before clipping, (n).</value>
    public Tensor GradientNorm { get; }

    /// <value>False for chains that left the finite numbers; they keep their last point of finite energy, (n) bool.</value>
    public Tensor Alive { get; }

    /// <value>Steps done.</value>
    public int Step { get; internal set; }

    internal Tensor Noise { get; }

    /// <value>The last points of finite energy; the start points until there was one, (n, ...).</value>
    internal Tensor Safe { get; }

    /// <summary>Chains that are not sound (n) bool go back to their safe point and stay there.</summary>
    internal void Freeze(Tensor sound)
    {
        using DisposeScope scope = NewDisposeScope();
        Alive.logical_and_(sound);
        X.copy_(where(ByChain(Alive), X, Safe));
    }

    /// <summary>One value per chain, in a shape that spreads over its numbers.</summary>
    internal Tensor ByChain(Tensor values)
    {
        var shape = new long[X.shape.Length];
        Array.Fill(shape, 1);
        shape[0] = X.shape[0];
        return values.view(shape);
    }

    public void Dispose()
    {
        X.Dispose();
        Labels?.Dispose();
        Noise.Dispose();
        Safe.Dispose();
        Energy.Dispose();
        GradientNorm.Dispose();
        Alive.Dispose();
    }
}
