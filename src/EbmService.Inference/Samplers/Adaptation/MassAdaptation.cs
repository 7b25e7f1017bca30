using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers.Adaptation;

/// <summary>
/// A diagonal mass from the variances of the block's rows over a window of steps, joined as in Chan et al. 1983 and shrunk towards 1e-3
/// as in Stan. Scale is M^(-1/2): sqrt(variance / T). Between chains and within is one pool, so chains that have not met make it wide.
/// </summary>
internal sealed class MassAdaptation
{
    private readonly Tensor _count;
    private readonly Tensor _weight;
    private readonly Tensor _mean;
    private readonly Tensor _squares;

    public MassAdaptation(ChainState state)
    {
        long[] shape = state.X.shape[1..];
        Scale = state.Keep("massScale", ones(shape, device: state.X.device));
        _count = state.Keep("massCount", zeros(1, device: state.X.device));
        _weight = state.Keep("massWeight", zeros(1, device: state.X.device));
        _mean = state.Keep("massMean", zeros(shape, device: state.X.device));
        _squares = state.Keep("massSquares", zeros(shape, device: state.X.device));
    }

    /// <value>(...input).</value>
    public Tensor Scale { get; }

    /// <summary>Takes in the current points of the rows that are alive. Hotter rows are wider by the root of their factor and weigh less by it.</summary>
    public void Collect(ChainState state)
    {
        Tensor alive = state.Alive.to(ScalarType.Float32);
        Tensor perRow = state.Replicas is { Factors: { } factors } ? alive.div(factors) : alive;
        Tensor weights = state.ByChain(perRow);
        Tensor added = perRow.sum();
        Tensor mean = state.X.mul(weights).sum([0]).div_(added.clamp(min: Kept(float.Epsilon)));
        Tensor squares = state.X.sub(mean).pow_(Kept(2)).mul_(weights).sum([0]);
        Tensor share = added.div(_weight.add(added, Kept(1)).clamp_(min: Kept(float.Epsilon)));
        Tensor shift = mean.sub_(_mean);
        _squares.add_(squares, Kept(1)).add_(shift.pow(Kept(2)).mul_(_weight.mul(share)), Kept(1));
        _mean.add_(shift.mul_(share), Kept(1));
        _weight.add_(added, Kept(1));
        _count.add_(alive.sum(), Kept(1));
    }

    /// <summary>Sets the scale and begins a new window.</summary>
    /// <returns>What keeps the step's geometric mean over the free numbers the same, (1).</returns>
    public Tensor Finish(ChainState state, double temperature)
    {
        Tensor variance = _squares.div(_count.sub(Kept(1)).clamp_(min: Kept(1))).div_(Kept(temperature));
        Tensor weight = _count.div(_count.add(Kept(5), Kept(1)));
        Tensor scale = variance.mul_(weight).add_(weight.neg().add_(Kept(1), Kept(1)).mul_(Kept(1e-3)), Kept(1)).sqrt_();
        Tensor? heldInAll = state.HeldInAllRows();
        if (heldInAll is { } held)
            scale.masked_fill_(held, Kept(1));
        Tensor change = Scale.log().sub_(scale.log());
        double free = heldInAll is { } mask ? mask.logical_not().sum().ToDouble() : scale.numel();
        Scale.copy_(scale);
        _count.zero_();
        _weight.zero_();
        _mean.zero_();
        _squares.zero_();
        return change.sum().div_(Kept(Math.Max(1, free))).exp_().reshape(1);
    }
}
