using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Tensors;

namespace EbmService.Core.Sampling;

/// <summary>A validated sampling job with every default filled in; immutable.</summary>
public sealed record SamplingSpec : JobSpec
{
    /// <summary>The name of the initial states among the job's inputs.</summary>
    public const string StartFile = "start.npy";

    /// <summary>The member of a request that names the job whose samples the chains start from.</summary>
    public const string StartField = "spec.startJob";

    [JsonIgnore]
    public override string Type => SamplingJob.Name;

    public required int Chains { get; init; }

    public required int Steps { get; init; }

    public required long Seed { get; init; }

    /// <value>The recipe that the members below started from.</value>
    public required string Recipe { get; init; }

    public required SamplingKernel Kernel { get; init; }

    public required double StepSize { get; init; }

    public double? Noise { get; init; }

    public double? Temperature { get; init; }

    public required UpdateOrder Order { get; init; }

    public required GradientClip GradientClip { get; init; }

    public required StateClamp StateClamp { get; init; }

    public required Schedule Schedule { get; init; }

    public Schedule NoiseSchedule { get; init; } = new();

    public Schedule TemperatureSchedule { get; init; } = new();

    /// <value>The schedules' length, which an extension leaves as it is.</value>
    public int ScheduleSteps { get; init; }

    /// <value>First steps that adaptation uses and that diagnostics and trajectories leave out.</value>
    public int Warmup { get; init; }

    /// <value>Present with kernel hmc.</value>
    public HmcSettings? Hmc { get; init; }

    /// <value>Present with kernel mala.</value>
    public MalaSettings? Mala { get; init; }

    /// <value>Present with kernel underdamped.</value>
    public UnderdampedSettings? Underdamped { get; init; }

    /// <value>Present with kernel preconditionedSgld.</value>
    public PreconditionerSettings? Preconditioner { get; init; }

    /// <value>Null without replica exchange.</value>
    public TemperingSettings? Tempering { get; init; }

    public StopRules? Stop { get; init; }

    /// <value>Steps between two states of trajectory.npy; null for no such file.</value>
    public int? Thin { get; init; }

    public HeldPart? Held { get; init; }

    /// <value>Start points (n, ...input), dealt to the chains in turn; present with start = data.</value>
    public TensorPayload? Data { get; init; }

    /// <value>The uploaded dataset whose rows take the place of data.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Dataset { get; init; }

    /// <value>Of its rows, 64 hex digits.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? DatasetSha256 { get; init; }

    /// <value>Left out where it is the default, so that stored specs and their cards stay.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public Models.OutOfRange OutOfRange { get; init; }

    /// <value>Present with start = job.</value>
    public StartJob? StartJob { get; init; }

    /// <value>Dealt to the chains in turn; empty for unconditional chains.</value>
    public required IReadOnlyList<int> Labels { get; init; }

    public required ChainStart Start { get; init; }

    public required double FreshShare { get; init; }

    public required int BlockSize { get; init; }

    public required int PreviewEvery { get; init; }

    public required SamplingPrecision Precision { get; init; }

    [JsonIgnore]
    public override int? CheckEvery => Stop is { UntilEss: null, UntilRHat: null } ? null : Stop?.CheckEvery;

    [JsonIgnore]
    public override double? DeadlineSeconds => Stop?.DeadlineSeconds;

    [JsonIgnore]
    public override IReadOnlyList<JobInput> Inputs =>
        DatasetSha256 is { } rows ? [new JobInput(StartFile, null, null, rows) { Field = "spec.dataset", Dataset = Dataset }]
        : StartJob is { Sha256: { } sha256 } source ? [new JobInput(StartFile, source.Id, "samples.npy", sha256) { Field = StartField }] : [];

    /// <value>The schedules' length: older stored specs have none.</value>
    [JsonIgnore]
    public int Horizon => ScheduleSteps > 0 ? ScheduleSteps : Steps;

    /// <summary>Rows per chain: its replicas.</summary>
    [JsonIgnore]
    public int Replicas => Tempering?.Temperatures.Count ?? 1;

    public override SamplingSpec Extended(int steps) => this with { Steps = checked(Steps + steps), ScheduleSteps = Horizon };

    public override SamplingSpec StoppedAt(int step) => this with
    {
        Steps = step,
        ScheduleSteps = Horizon,
        Stop = Stop?.DeadlineSeconds is { } deadline ? new StopRules(DeadlineSeconds: deadline) : null,
    };

    /// <summary>The chain's numbers as a recipe, for the kernel.</summary>
    public SgldRecipe ToRecipe() => new()
    {
        Steps = Steps,
        StepSize = StepSize,
        Noise = Noise,
        Temperature = Temperature,
        Order = Order,
        GradientClip = GradientClip,
        StateClamp = StateClamp,
        Schedule = Schedule,
        NoiseSchedule = NoiseSchedule,
        TemperatureSchedule = TemperatureSchedule,
        Start = Start,
        FreshShare = FreshShare,
    };
}
