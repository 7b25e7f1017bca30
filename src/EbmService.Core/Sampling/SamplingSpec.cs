using System.Text.Json.Serialization;
using EbmService.Core.Jobs;

namespace EbmService.Core.Sampling;

/// <summary>A validated sampling job with every default filled in; immutable.</summary>
public sealed record SamplingSpec : JobSpec
{
    [JsonIgnore]
    public override JobType Type => JobType.Sampling;

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

    public required StepSchedule Schedule { get; init; }

    /// <value>Dealt to the chains in turn; empty for unconditional chains.</value>
    public required IReadOnlyList<int> Labels { get; init; }

    public required ChainStart Start { get; init; }

    public required double FreshShare { get; init; }

    public required int BlockSize { get; init; }

    public required int PreviewEvery { get; init; }

    public required SamplingPrecision Precision { get; init; }

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
        Start = Start,
        FreshShare = FreshShare,
    };
}
