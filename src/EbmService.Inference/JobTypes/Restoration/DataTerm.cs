using EbmService.Inference.Samplers;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>weight |K (A x + b - y)|^2 / (2 sigma^2): Gaussian noise on what was observed. K leaves out what was not.</summary>
/// <param name="observed">y, a row for each chain, (rows, ...observed); owned by the term.</param>
/// <param name="known">K, (...observed) with 1 where a number was observed, else 0; null where all were. Owned by the term.</param>
internal sealed class GaussianTerm(LinearOperator linear, Tensor observed, Tensor? known, double sigma, double weight) : IRowTerm, IDisposable
{
    public void Add(int first, Tensor points, Tensor energy, Tensor gradient)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor residual = linear.Observe(points).sub(observed.narrow(0, first, points.shape[0]));
        if (known is not null)
            residual.mul_(known);
        energy.add_(residual.pow(Kept(2)).flatten(1).sum([1], type: ScalarType.Float64), alpha: Kept(weight / (2 * sigma * sigma)));
        gradient.add_(linear.Transpose(residual), alpha: Kept(weight / (sigma * sigma)));
    }

    public void Dispose()
    {
        observed.Dispose();
        known?.Dispose();
    }
}

/// <summary>
/// Salt and pepper. A number that is seen at an end of the range is either itself, or was overwritten, which half of the overwritten ones are with either end:
/// -log((1 - p) exp(-(x - y)^2 / (2 sigma^2)) + p / 2). Numbers seen between the ends are themselves, and are fixed in the chains.
/// </summary>
/// <param name="observed">y, a row for each chain, (rows, ...input); owned by the term.</param>
/// <param name="atEnd">1 where y is at an end, else 0, (rows, ...input); owned by the term.</param>
internal sealed class SaltAndPepperTerm(Tensor observed, Tensor atEnd, double share, double sigma, double weight) : IRowTerm, IDisposable
{
    public void Add(int first, Tensor points, Tensor energy, Tensor gradient)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor ends = atEnd.narrow(0, first, points.shape[0]);
        Tensor away = points.sub(observed.narrow(0, first, points.shape[0])).div_(Kept(sigma));
        Tensor itself = away.pow(Kept(2)).mul_(Kept(-0.5)).exp_().mul_(Kept(1 - share));
        Tensor either = itself.add(ones_like(itself), alpha: Kept(share / 2));
        energy.sub_(either.log().mul_(ends).flatten(1).sum([1], type: ScalarType.Float64).mul_(Kept(weight)));
        gradient.add_(itself.div_(either).mul_(away).mul_(ends), alpha: Kept(weight / sigma));
    }

    public void Dispose()
    {
        observed.Dispose();
        atEnd.Dispose();
    }
}

/// <summary>Salt and pepper on binary numbers: each was flipped with probability p / 2, whose energy is linear in x, so that the gradient says of every flip exactly what it costs.</summary>
/// <param name="observed">y, a row for each chain, (rows, ...input); owned by the term.</param>
internal sealed class FlipTerm(Tensor observed, double share, double weight) : IRowTerm, IDisposable
{
    private readonly double _cost = weight * Math.Log((1 - share / 2) / (share / 2));

    public void Add(int first, Tensor points, Tensor energy, Tensor gradient)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor seen = observed.narrow(0, first, points.shape[0]);
        Tensor slope = seen.mul(Kept(-2)).add_(ones_like(seen), alpha: Kept(1));
        Tensor flips = slope.mul(points).add_(seen, alpha: Kept(1));
        energy.add_(flips.flatten(1).sum([1], type: ScalarType.Float64), alpha: Kept(_cost));
        gradient.add_(slope, alpha: Kept(_cost));
    }

    public void Dispose() => observed.Dispose();
}
