using EbmService.Core.Sampling;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>Of kernels that keep energy and gradient of the current point from step to step, so that a step needs each gradient once.</summary>
internal class CachedGradientState : ChainState
{
    /// <param name="start">Rows that begin at an energy that is not finite are frozen there.</param>
    /// <param name="box">What the first points are moved into; null for none.</param>
    public CachedGradientState(ChainStartPoints start, StateClamp? box) : base(start)
    {
        Proposal = KeepWithinStep("proposal", empty_like(X));
        Gradient = Keep("gradient", zeros_like(X));
        if (box is null)
            return;
        using DisposeScope scope = NewDisposeScope();
        Safe.copy_(RestoreHeld(X.clamp_(Kept(box.Min), Kept(box.Max))));
    }

    /// <value>dE/dx at X, zero at held numbers; <see cref="ChainState.Energy"/> is E(X).</value>
    public Tensor Gradient { get; }

    /// <value>(rows, ...), the points that the open step takes its gradients at.</value>
    public Tensor Proposal { get; }

    internal override IEnumerable<Tensor> RecordsByTemperature => [];

    /// <summary>Comes to phase 1 of a step, before the first of which energy and gradient of the first points are taken.</summary>
    /// <returns>False when the step was left open for that.</returns>
    public bool Begin(GradientPass pass, Func<bool> isSpent)
    {
        if (Phase > 0)
            return true;
        if (Step > 0)
        {
            Phase = 1;
            return true;
        }
        if (pass.Take(this, X, isSpent) is not { } taken)
            return false;
        Energy.copy_(taken.Energy);
        Gradient.copy_(ZeroHeld(taken.Gradient));
        GradientNorm.copy_(NormOfGradient());
        Alive.copy_(Energy.IsSound());
        Phase = 1;
        return !isSpent();
    }

    /// <summary>Moves chosen rows to points whose energy and gradient are known.</summary>
    /// <param name="chosen">(rows) bool.</param>
    public void MoveTo(Tensor chosen, Tensor points, Tensor energy, Tensor gradient)
    {
        Tensor spread = ByChain(chosen);
        X.copy_(where(spread, points, X));
        Gradient.copy_(where(spread, gradient, Gradient));
        Energy.copy_(where(chosen, energy, Energy));
        GradientNorm.copy_(NormOfGradient());
    }

    /// <summary>Moves all rows to points; those for which point, energy or gradient are not finite stay where they are and are frozen.</summary>
    public void MoveAll(Tensor points, Tensor energy, Tensor gradient)
    {
        Alive.logical_and_(energy.IsSound()).logical_and_(points.flatten(1).sum(1).isfinite());
        MoveTo(Alive, points, energy, gradient);
        Safe.copy_(X);
    }

    private Tensor NormOfGradient() => Gradient.flatten(1).norm(1);
}

/// <summary>Of kernels that accept and reject.</summary>
internal class MetropolisState : CachedGradientState
{
    private readonly Tensor _uniform;

    public MetropolisState(ChainStartPoints start, StateClamp? box) : base(start, box)
    {
        _uniform = Scratch(empty(Rows, device: X.device));
        Acceptance = Keep("acceptance", zeros(Rows, device: X.device));
        AcceptanceSum = Keep("acceptanceSum", zeros(Rows, device: X.device));
    }

    /// <value>Acceptance probability of the latest step (rows).</value>
    public Tensor Acceptance { get; }

    /// <value>Sum of the acceptance probabilities since the warm-up (rows).</value>
    public Tensor AcceptanceSum { get; }

    internal override IEnumerable<Tensor> RecordsByTemperature => [AcceptanceSum];

    /// <summary>
    /// Accepts or rejects each row's proposal (Metropolis et al. 1953; Hastings 1970). Proposals that are not finite, or whose energy is not,
    /// are rejected; frozen rows stay.
    /// </summary>
    /// <param name="logRatio">
    /// log of pi(x') q(x | x') / (pi(x) q(x' | x)), (rows) float64: the difference of two large energies has no digits in float32. NaN rejects.
    /// </param>
    /// <param name="count">Whether the warm-up is over.</param>
    public void Decide(Tensor proposal, Tensor energy, Tensor gradient, Tensor logRatio, Generator generator, bool count)
    {
        // In (0, 1]: the log of 0 would accept anything.
        Tensor uniform = _uniform.uniform_(0, 1, generator).neg_().add_(Kept(1), Kept(1)).log_();
        Tensor sound = Alive.logical_and(energy.IsSound()).logical_and_(proposal.flatten(1).sum(1).isfinite()).logical_and_(logRatio.isnan().logical_not_());
        Tensor probability = logRatio.clamp(max: Kept(0)).exp_().masked_fill_(sound.logical_not(), Kept(0));
        Acceptance.copy_(probability);
        if (count)
            AcceptanceSum.add_(Acceptance, Kept(1));
        MoveTo(sound.logical_and_(uniform.less(logRatio)), proposal, energy, gradient);
    }
}

/// <summary>Of kernels whose step size adapts during the warm-up.</summary>
internal interface IAdaptsStepSize
{
    Adaptation.StepSizeAdaptation StepSize { get; }
}
