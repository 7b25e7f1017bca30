namespace EbmService.Core.Sampling;

/// <summary>Numbers of HMC beside the step size, which is the leapfrog step and, with a warm-up, only where adaptation begins.</summary>
/// <param name="LeapfrogSteps">Gradients per transition, 1 to 1000.</param>
/// <param name="TargetAcceptance">What dual averaging steers the mean acceptance to, (0, 1).</param>
/// <param name="AdaptMass">Whether the warm-up also estimates a diagonal mass from the block's chains.</param>
public sealed record HmcSettings(int LeapfrogSteps = 10, double TargetAcceptance = 0.8, bool AdaptMass = true);

/// <param name="TargetAcceptance">What dual averaging steers the mean acceptance to during a warm-up, (0, 1); 0.574 is optimal in many dimensions.</param>
public sealed record MalaSettings(double TargetAcceptance = 0.574);

/// <param name="Friction">gamma, per unit of time, above 0.</param>
public sealed record UnderdampedSettings(double Friction = 1);

/// <param name="Decay">Of the running mean of squared gradients, [0, 1).</param>
/// <param name="Epsilon">Added to its root, above 0: the largest preconditioner is 1 / epsilon.</param>
public sealed record PreconditionerSettings(double Decay = 0.99, double Epsilon = 1e-3);

/// <summary>Replica exchange (Swendsen and Wang 1986; Okabe et al. 2001): each chain has one replica per temperature, neighbours swap, the first is reported.</summary>
/// <param name="Temperatures">Factors on the temperature, ascending from 1; 2 to 32.</param>
/// <param name="SwapEvery">Steps between two rounds of swaps, at least 1.</param>
public sealed record TemperingSettings(IReadOnlyList<double> Temperatures, int SwapEvery = 1)
{
    public bool Equals(TemperingSettings? other) =>
        other is not null && SwapEvery == other.SwapEvery && Temperatures.SequenceEqual(other.Temperatures);

    public override int GetHashCode() => HashCode.Combine(SwapEvery, Temperatures.Count);
}

/// <summary>When to stop before all steps are done. R-hat and ESS are judged at multiples of <c>checkEvery</c> steps, with every chain at that step.</summary>
/// <param name="UntilEss">Smallest bulk effective sample size over all chains.</param>
/// <param name="UntilRHat">Largest rank-normalised split R-hat, above 1.</param>
/// <param name="CheckEvery">Steps between two judgements, at least 1.</param>
/// <param name="DeadlineSeconds">Seconds after the job was accepted; it then stops with what it has.</param>
public sealed record StopRules(double? UntilEss = null, double? UntilRHat = null, int? CheckEvery = null, double? DeadlineSeconds = null)
{
    /// <summary>Draws per chain after the warm-up that R-hat and ESS are judged from at least: of a handful the effective size is an upper bound of the formula, whatever the chains do.</summary>
    public const int FewestDraws = 50;
}

/// <summary>The part of x that is held fixed.</summary>
/// <param name="Mask">1 where x is held, 0 where it is free; the shape of one input.</param>
/// <param name="Values">What the held numbers are: the shape of one input, or rows of it dealt to the chains in turn.</param>
public sealed record HeldPart(Tensors.TensorPayload Mask, Tensors.TensorPayload Values);

/// <summary>The job whose final states a job starts from.</summary>
/// <param name="Sha256">Of its samples.npy, 64 hex digits; filled in at admission.</param>
public sealed record StartJob(string Id, string? Sha256 = null);
