using EbmService.Core.Robustness;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.JobTypes.Robustness;

/// <summary>
/// A classifier that first lets an input run down the energy for some steps of Langevin dynamics (Grathwohl et al. 2020), and its gradient: that of the cross-entropy at
/// the chain's end, sent back through each step x' = clamp(x - a clip(grad E(x)) + noise) by v - a H v, or as it is. H v is a central difference of the
/// energy's gradient, exact for quadratic energies; numbers that were cut to the box or clipped pass nothing on through the cut.
/// </summary>
internal sealed class RefinedClassifier(IEnergyModel model, RefinementSpec spec)
{
    /// <summary>The largest number of a difference's step, as a share of 1: where float32 gradients lose as much to rounding as to curvature.</summary>
    private const double Difference = 1e-2;

    private readonly SgldRecipe _chain = spec.Chain;

    /// <param name="x">(n, ...).</param>
    /// <param name="noise">Standard normal, (steps, n, ...).</param>
    /// <param name="labels">(n) int64.</param>
    /// <returns>Logits at the chains' ends (n, classes) float64, and the gradient of their cross-entropy by x.</returns>
    public (Tensor Logits, Tensor Gradient) Differentiate(Tensor x, Tensor noise, Tensor labels)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        bool sendsBack = spec.Gradient == RefinementGradient.ThroughChain;
        var steps = new List<(Tensor Point, Tensor? Clipped, Tensor? Cut)>();
        Tensor point = x;
        for (int t = 0; t < _chain.Steps; t++)
        {
            Tensor kick = noise.select(0, t).mul(Kept(_chain.NoiseAt(t, _chain.Steps)));
            bool isNoiseFirst = _chain.Order == UpdateOrder.NoiseFirst;
            Tensor from = isNoiseFirst ? point.add(kick, Kept(1)) : point;
            Tensor gradient = model.EnergyAndGradient(from).Gradient;
            Tensor clipped = Clip(gradient);
            Tensor next = from.add(clipped, alpha: Kept(-_chain.StepSizeAt(t, _chain.Steps)));
            if (!isNoiseFirst)
                next.add_(kick, Kept(1));
            Tensor boxed = _chain.StateClamp is { Kind: StateClampKind.Range } box ? next.clamp(Kept(box.Min), Kept(box.Max)) : next;
            if (sendsBack)
                steps.Add((from, Factor(gradient, clipped), ReferenceEquals(boxed, next) ? null : next.eq(boxed)));
            point = boxed;
        }
        (Tensor logits, Tensor back) = model.CrossEntropyGradient(point, labels);
        for (int t = steps.Count - 1; t >= 0; t--)
            back = SendBack(back, steps[t], _chain.StepSizeAt(t, _chain.Steps));
        return (logits.MoveToOuterDisposeScope(), back.MoveToOuterDisposeScope());
    }

    private Tensor SendBack(Tensor back, (Tensor Point, Tensor? Factor, Tensor? Cut) step, double stepSize)
    {
        using DisposeScope scope = NewDisposeScope();
        if (step.Cut is { } cut)
            back = back.mul(cut);
        Tensor direction = step.Factor is { } factor ? back.mul(factor) : back;
        return back.add(HessianProduct(step.Point, direction), alpha: Kept(-stepSize)).MoveToOuterDisposeScope();
    }

    /// <summary>Row by row; zero where the direction is.</summary>
    private Tensor HessianProduct(Tensor point, Tensor direction)
    {
        long[] byRow = [point.shape[0], .. Enumerable.Repeat(1L, (int)point.dim() - 1)];
        Tensor largest = direction.flatten(1).abs().amax([1]).clamp(min: Kept(1e-30)).view(byRow);
        Tensor offset = direction.div(largest).mul(Kept(Difference));
        Tensor ahead = model.EnergyAndGradient(point.add(offset, Kept(1))).Gradient;
        Tensor behind = model.EnergyAndGradient(point.sub(offset)).Gradient;
        return ahead.sub_(behind).mul_(largest).div_(Kept(2 * Difference));
    }

    private Tensor Clip(Tensor gradient) => _chain.GradientClip switch
    {
        { Kind: GradientClipKind.Value, Limit: var limit } => gradient.clamp(Kept(-limit), Kept(limit)),
        { Kind: GradientClipKind.Norm, Limit: var limit } => gradient.mul(NormFactor(gradient, limit)),
        _ => gradient,
    };

    /// <summary>What a clip multiplies each number's change by, null for one: nothing of what was cut; with a bound on the norm, the factor, taken as a constant.</summary>
    private Tensor? Factor(Tensor gradient, Tensor clipped) => _chain.GradientClip.Kind switch
    {
        GradientClipKind.Value => gradient.eq(clipped),
        GradientClipKind.Norm => NormFactor(gradient, _chain.GradientClip.Limit),
        _ => null,
    };

    private static Tensor NormFactor(Tensor gradient, double limit)
    {
        long[] byRow = [gradient.shape[0], .. Enumerable.Repeat(1L, (int)gradient.dim() - 1)];
        return gradient.flatten(1).norm(1).clamp(min: Kept(limit)).reciprocal().mul(Kept(limit)).view(byRow);
    }
}
