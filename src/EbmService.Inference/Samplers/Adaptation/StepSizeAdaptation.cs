using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers.Adaptation;

/// <summary>
/// Nesterov's dual averaging of the log of a step size towards a mean acceptance (Hoffman and Gelman 2014, section 3.2; gamma 0.05, t0 10,
/// kappa 0.75, shrinkage towards ten times the first step), the acceptance pooled over the rows that are alive. All of it is in tensors of
/// one number, so that a device is never waited for and a checkpoint has it all.
/// </summary>
internal sealed class StepSizeAdaptation
{
    private const double Gamma = 0.05;
    private const double Delay = 10;
    private const double Kappa = 0.75;
    private readonly Tensor _centre;
    private readonly Tensor _error;
    private readonly Tensor _logAverage;

    public StepSizeAdaptation(ChainState state, double first)
    {
        Tensor One(double value) => tensor(new[] { (float)value }, device: state.X.device);
        Current = state.Keep("stepSize", One(first));
        _centre = state.Keep("stepSizeCentre", One(Math.Log(10 * first)));
        _error = state.Keep("stepSizeError", One(0));
        _logAverage = state.Keep("stepSizeLogAverage", One(Math.Log(first)));
    }

    /// <value>The step size in use (1).</value>
    public Tensor Current { get; }

    /// <summary>One round after a step.</summary>
    /// <param name="alive">(rows) bool.</param>
    /// <param name="acceptance">The step's acceptance probabilities (rows).</param>
    /// <param name="target">The mean acceptance to reach.</param>
    /// <param name="round">Counted from 1 since the start or the latest restart.</param>
    public void Update(Tensor alive, Tensor acceptance, double target, int round)
    {
        Tensor living = alive.to(ScalarType.Float32);
        Tensor miss = living.mul(Kept(target)).sub_(acceptance).sum().div_(living.sum().clamp_(min: Kept(1)));
        double weight = 1 / (round + Delay);
        _error.mul_(Kept(1 - weight)).add_(miss, alpha: Kept(weight));
        Tensor log = _centre.sub(_error.mul(Kept(Math.Sqrt(round) / Gamma)));
        double share = Math.Pow(round, -Kappa);
        _logAverage.mul_(Kept(1 - share)).add_(log, alpha: Kept(share));
        Current.copy_(log.exp_());
    }

    /// <summary>The averaged step size becomes the one in use.</summary>
    public void Finish() => Current.copy_(_logAverage.exp());

    /// <summary>Begins anew around the averaged step size times a factor (1), after the mass changed.</summary>
    public void Restart(Tensor factor)
    {
        Current.copy_(_logAverage.exp().mul_(factor));
        _logAverage.copy_(Current.log());
        _centre.copy_(_logAverage).add_(Kept(Math.Log(10)), Kept(1));
        _error.zero_();
    }
}
