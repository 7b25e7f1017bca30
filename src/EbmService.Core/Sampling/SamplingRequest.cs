using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Sampling;

/// <summary>The number type that energies and gradients are computed in.</summary>
public enum SamplingPrecision
{
    Float32,

    /// <summary>
    /// Weights and activations in bfloat16, about twice as fast where the CPU has AVX512_BF16; states, noise and the
    /// reported energies of the final states stay float32. Trained networks only.
    /// </summary>
    Bfloat16,
}

/// <summary>What a client asks for: everything may be left out. <see cref="SamplingSpecFactory"/> fills in the rest.</summary>
public sealed record SamplingRequest
{
    /// <value>Independent chains, at least 1; 64 by default.</value>
    public int? Chains { get; init; }

    /// <value>Steps per chain, at least 1; the recipe's number by default.</value>
    public int? Steps { get; init; }

    /// <value>0 to 2^53 - 1; drawn at random and recorded by default.</value>
    public long? Seed { get; init; }

    /// <value>A recipe of the model or one of jem, igebm, improved-cd, short-mnist, langevin; the model's own by default.</value>
    public string? Recipe { get; init; }

    public SamplingKernel? Kernel { get; init; }

    /// <value>Overrides the recipe's a; above 0.</value>
    public double? StepSize { get; init; }

    /// <value>Overrides the recipe's s; at least 0; excludes temperature.</value>
    public double? Noise { get; init; }

    /// <value>Sets the noise to sqrt(2 a T); at least 0; excludes noise.</value>
    public double? Temperature { get; init; }

    public UpdateOrder? Order { get; init; }

    public GradientClip? GradientClip { get; init; }

    public StateClamp? StateClamp { get; init; }

    /// <value>On the step size.</value>
    public Schedule? Schedule { get; init; }

    /// <value>On the noise; excludes temperature.</value>
    public Schedule? NoiseSchedule { get; init; }

    /// <value>On the temperature.</value>
    public Schedule? TemperatureSchedule { get; init; }

    /// <value>The schedules' length in steps; all steps by default.</value>
    public int? ScheduleSteps { get; init; }

    /// <value>
    /// First steps that adaptation uses and that diagnostics and trajectories leave out; half of the steps, at most
    /// 500, for kernels that adapt, else 0.
    /// </value>
    public int? Warmup { get; init; }

    /// <value>Only with kernel hmc.</value>
    public HmcSettings? Hmc { get; init; }

    /// <value>Only with kernel mala.</value>
    public MalaSettings? Mala { get; init; }

    /// <value>Only with kernel underdamped.</value>
    public UnderdampedSettings? Underdamped { get; init; }

    /// <value>Only with kernel preconditionedSgld.</value>
    public PreconditionerSettings? Preconditioner { get; init; }

    /// <value>Replica exchange around any kernel with a temperature.</value>
    public TemperingSettings? Tempering { get; init; }

    public StopRules? Stop { get; init; }

    /// <value>Keeps every so many-th state after the warm-up as trajectory.npy; none by default.</value>
    public int? Thin { get; init; }

    /// <value>The part of x that is held fixed.</value>
    public HeldPart? Held { get; init; }

    /// <value>Start points (n, ...input) for start = data.</value>
    public TensorPayload? Data { get; init; }

    /// <value>The name of an uploaded dataset whose rows take the place of data: chain i starts at row i mod n.</value>
    public string? Dataset { get; init; }

    /// <value>SHA-256 of its rows, as a spec shows it; compared when given.</value>
    public string? DatasetSha256 { get; init; }

    /// <value>Whether data and held values may lie outside the model's range; refuse by default.</value>
    public OutOfRange? OutOfRange { get; init; }

    /// <value>The job for start = job.</value>
    public StartJob? StartJob { get; init; }

    /// <value>One class index for all chains; excludes labels. Without either, chains sample E(x).</value>
    public int? Label { get; init; }

    /// <value>Class indices dealt to the chains in turn: chain i gets labels[i mod n].</value>
    public IReadOnlyList<int>? Labels { get; init; }

    public ChainStart? Start { get; init; }

    /// <value>[0, 1].</value>
    public double? FreshShare { get; init; }

    /// <value>Chains advanced together, 1 to 1024; part of what fixes the bits of the result.</value>
    public int? BlockSize { get; init; }

    /// <value>Steps between preview pictures of the first block; 0 for none.</value>
    public int? PreviewEvery { get; init; }

    public SamplingPrecision? Precision { get; init; }
}

/// <summary>When to stop before all steps are done. R-hat and ESS are judged at multiples of <c>checkEvery</c> steps, with every chain at that step.</summary>
/// <param name="UntilEss">Smallest bulk effective sample size over all chains.</param>
/// <param name="UntilRHat">Largest rank-normalised split R-hat, above 1.</param>
/// <param name="CheckEvery">Steps between two judgements, at least 1.</param>
/// <param name="DeadlineSeconds">Seconds after the job was accepted; it then stops with what it has.</param>
public sealed record StopRules(double? UntilEss = null, double? UntilRHat = null, int? CheckEvery = null, double? DeadlineSeconds = null)
{
    /// <summary>
    /// Draws per chain after the warm-up that R-hat and ESS are judged from at least: of a handful the effective size
    /// is an upper bound of the formula, whatever the chains do.
    /// </summary>
    public const int FewestDraws = 50;
}

/// <summary>The part of x that is held fixed.</summary>
/// <param name="Mask">1 where x is held, 0 where it is free; the shape of one input.</param>
/// <param name="Values">What the held numbers are: the shape of one input, or rows of it dealt to the chains in turn.</param>
public sealed record HeldPart(TensorPayload Mask, TensorPayload Values);

/// <summary>The job whose final states a job starts from.</summary>
/// <param name="Sha256">Of its samples.npy, 64 hex digits; filled in at admission.</param>
public sealed record StartJob(string Id, string? Sha256 = null);
