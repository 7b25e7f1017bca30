using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Sampling;

namespace EbmService.Core.Restoration;

/// <summary>Where the chains of a restoration begin.</summary>
public enum RestorationStart
{
    /// <summary>What is not known exactly is drawn from the base distribution.</summary>
    Base,

    /// <summary>At what was observed, brought back to the input's shape by the operator's transpose; what is missing is drawn from the base distribution.</summary>
    Damaged,

    /// <summary>At the rows of <c>reference</c> that look most like what was observed, one for each sample, the nearest first, with what is known exactly in its place.</summary>
    Reference,
}

/// <summary>What a client asks to have restored: <c>damage</c>, and <c>inputs</c> or <c>truth</c>; all else may be left out.</summary>
public sealed record RestorationRequest
{
    /// <value>Damaged rows y. Left out, the rows of <c>truth</c> are damaged by the job.</value>
    public RowsSource? Inputs { get; init; }

    /// <value>Undamaged rows, which errors are measured against: as many as inputs, or without inputs those to damage.</value>
    public RowsSource? Truth { get; init; }

    public Damage? Damage { get; init; }

    /// <value>Undamaged rows that inputs are compared with: the mean fill and the nearest row are taken from them.</value>
    public RowsSource? Reference { get; init; }

    /// <value>
    /// Other undamaged rows of the same kind, disjoint from the truth and unseen while choosing settings. The job damages and restores them too, and widens the
    /// intervals until they hold their level on them.
    /// </value>
    public RowsSource? Calibration { get; init; }

    /// <value>Chains per input, 2 to 1024; 8 by default.</value>
    public int? Samples { get; init; }

    /// <value>What the intervals are to hold, (0, 1); 0.9 by default.</value>
    public double? Level { get; init; }

    /// <value>0 to 2^53 - 1; drawn at random and recorded by default.</value>
    public long? Seed { get; init; }

    /// <value>
    /// What the negative log likelihood of the damage weighs beside the energy, above 0; only where something is not known exactly. The chain's temperature by default, which makes
    /// exp(-E(x) / T) p(y | x) the target; 0.005 for recipes with a noise of their own.
    /// </value>
    public double? DataWeight { get; init; }

    /// <value>base where the known is known exactly, else damaged; reference needs as many reference rows as samples.</value>
    public RestorationStart? Start { get; init; }

    /// <value>How the chains move, as in a sampling job; the model's own recipe by default.</value>
    public RestorationChain? Chain { get; init; }

    /// <value>Whether rows may lie outside the model's range; refuse by default.</value>
    public OutOfRange? OutOfRange { get; init; }

    /// <value>Inputs whose chains advance together, 1 to 256; as many as make 64 chains by default. Part of what fixes the bits of the result.</value>
    public int? BlockSize { get; init; }
}

/// <summary>How the chains of a restoration move: members of a sampling job. A spec has them filled in.</summary>
public sealed record RestorationChain
{
    public SamplingKernel? Kernel { get; init; }

    public string? Recipe { get; init; }

    public int? Steps { get; init; }

    public double? StepSize { get; init; }

    public double? Noise { get; init; }

    public double? Temperature { get; init; }

    public UpdateOrder? Order { get; init; }

    public GradientClip? GradientClip { get; init; }

    public StateClamp? StateClamp { get; init; }

    public Schedule? Schedule { get; init; }

    public Schedule? NoiseSchedule { get; init; }

    public Schedule? TemperatureSchedule { get; init; }

    /// <value>First steps that adaptation uses.</value>
    public int? Warmup { get; init; }

    public HmcSettings? Hmc { get; init; }

    public MalaSettings? Mala { get; init; }

    public UnderdampedSettings? Underdamped { get; init; }

    public PreconditionerSettings? Preconditioner { get; init; }

    internal SamplingRequest ToRequest(int chains, long seed) => new()
    {
        Chains = chains, Seed = seed, Start = ChainStart.Base, BlockSize = 1,
        Kernel = Kernel, Recipe = Recipe, Steps = Steps, StepSize = StepSize, Noise = Noise, Temperature = Temperature, Order = Order,
        GradientClip = GradientClip, StateClamp = StateClamp, Schedule = Schedule, NoiseSchedule = NoiseSchedule,
        TemperatureSchedule = TemperatureSchedule, Warmup = Warmup, Hmc = Hmc, Mala = Mala, Underdamped = Underdamped, Preconditioner = Preconditioner,
    };

    internal static RestorationChain Of(SamplingSpec spec) => new()
    {
        Kernel = spec.Kernel, Recipe = spec.Recipe, Steps = spec.Steps, StepSize = spec.StepSize, Noise = spec.Noise, Temperature = spec.Temperature,
        Order = spec.Order, GradientClip = spec.GradientClip, StateClamp = spec.StateClamp, Schedule = spec.Schedule,
        NoiseSchedule = spec.NoiseSchedule, TemperatureSchedule = spec.TemperatureSchedule, Warmup = spec.Warmup, Hmc = spec.Hmc, Mala = spec.Mala,
        Underdamped = spec.Underdamped, Preconditioner = spec.Preconditioner,
    };

    /// <summary>The chain of a spec, every member filled in, for the kernels.</summary>
    public SamplingSpec ToSampling(int chains, long seed) => new()
    {
        Chains = chains, Seed = seed, Steps = Steps!.Value, Recipe = Recipe!, Kernel = Kernel!.Value, StepSize = StepSize!.Value, Noise = Noise,
        Temperature = Temperature, Order = Order!.Value, GradientClip = GradientClip!, StateClamp = StateClamp!, Schedule = Schedule!,
        NoiseSchedule = NoiseSchedule!, TemperatureSchedule = TemperatureSchedule!, ScheduleSteps = Steps.Value, Warmup = Warmup!.Value, Hmc = Hmc,
        Mala = Mala, Underdamped = Underdamped, Preconditioner = Preconditioner, Labels = [], Start = ChainStart.Base, FreshShare = 0, BlockSize = chains,
        PreviewEvery = 0, Precision = SamplingPrecision.Float32,
    };
}
