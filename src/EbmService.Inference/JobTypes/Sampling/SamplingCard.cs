using EbmService.Core.Devices;
using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>The file card.json: everything needed to understand and reproduce a result. Holds no clock times, so equal runs give equal cards.</summary>
internal sealed record SamplingCard
{
    private const string Scope =
        "On a CPU, the same spec, seed, model digest, precision and block size give the same bits in every process on the same kind of processor "
        + "with the same version of libtorch: whatever else runs beside it, on any number of slots, after a pause, a killed process, and in as many "
        + "parts as extensions make of it. Another kind of processor, libtorch or block size changes the last digits. A deadline or a cancel stops chains at a step that depends on time. On CUDA none of this is tested.";

    public required ModelReference Model { get; init; }

    public required SamplingSpec Spec { get; init; }

    /// <value>T = s^2 / (2a) at the first step and at the last that was done, without regard to clips and clamps.</value>
    public required SamplingCardTemperature ImpliedTemperature { get; init; }

    public required string Device { get; init; }

    /// <value>Intra-op threads of each slot.</value>
    public int Threads { get; init; } = 1;

    public required string Runtime { get; init; }

    public required string Software { get; init; }

    /// <value>Chains in the files; fewer than asked when a job was cancelled.</value>
    public required int Chains { get; init; }

    /// <value>Steps done by the block that did least, and most.</value>
    public required int StepsMin { get; init; }

    public required int StepsMax { get; init; }

    public required bool Complete { get; init; }

    /// <value>Why the chains took no further step: completed, deadline, cancelled or the word of a stop rule.</value>
    public required string Stopped { get; init; }

    /// <value>What the kernel's chains have for a target when nothing is clipped or clamped, and whether exactly.</value>
    public required string Target { get; init; }

    /// <value>Mean acceptance probability since the warm-up; null for kernels that accept everything.</value>
    public required double? Acceptance { get; init; }

    /// <value>Transitions with too large an energy error; null for kernels without the notion.</value>
    public required long? DivergentTransitions { get; init; }

    /// <value>The smallest E-BFMI of the chains; null where there is none.</value>
    public required double? Ebfmi { get; init; }

    /// <value>What the blocks adapted their step size to, on the mean; null for kernels that don't.</value>
    public required double? AdaptedStepSize { get; init; }

    /// <value>Mean acceptance of swaps between each temperature and the next; empty without replica exchange, null where none was tried.</value>
    public required IReadOnlyList<double?> SwapAcceptance { get; init; }

    /// <value>After the warm-up, over all chains; of a job with over 2048 chains the first 2048.</value>
    public required JobDiagnostics Diagnostics { get; init; }

    /// <value>Job-wide indices of chains that left the finite numbers and were frozen.</value>
    public required IReadOnlyList<int> DivergedChains { get; init; }

    /// <value>Of the final states.</value>
    public required double EnergyMean { get; init; }

    /// <value>What a reader of the samples must know, in sentences with a remedy; empty where there is nothing.</value>
    public required IReadOnlyList<string> Warnings { get; init; }

    public required string SamplesSha256 { get; init; }

    public required string Determinism { get; init; }

    public static SamplingCard Create(
        JobDefinition job, SamplingSpec spec, IReadOnlyList<SamplingBlock> blocks, JobDiagnostics diagnostics, string stopped, DeviceInfo device, string samplesSha256,
        ModelCapabilities model)
    {
        SgldRecipe recipe = spec.ToRecipe();
        int chains = blocks.Sum(block => block.Block.Count);
        float[] energies = [.. blocks.SelectMany(block => block.Energies).Where(float.IsFinite)];
        int least = blocks.Count == 0 ? 0 : blocks.Min(block => block.Step), most = blocks.Count == 0 ? 0 : blocks.Max(block => block.Step);
        return new SamplingCard
        {
            Model = job.Model,
            Spec = spec,
            ImpliedTemperature = new(recipe.ImpliedTemperatureAt(0, spec.Horizon), recipe.ImpliedTemperatureAt(Math.Max(0, most - 1), spec.Horizon)),
            Device = device.Kind,
            Runtime = device.Runtime,
            Software = ServiceSoftware.Text,
            Chains = chains,
            StepsMin = least,
            StepsMax = most,
            Complete = chains == spec.Chains && least == spec.Steps,
            Stopped = stopped,
            Target = SamplingTarget.Describe(spec, most, model),
            Acceptance = Mean(blocks, block => block.Acceptance),
            DivergentTransitions = blocks.Any(block => block.DivergentTransitions is not null) ? blocks.Sum(block => block.DivergentTransitions) : null,
            Ebfmi = blocks.Min(block => block.Ebfmi),
            AdaptedStepSize = Mean(blocks, block => block.StepSize),
            SwapAcceptance = [.. Enumerable.Range(0, spec.Replicas - 1).Select(pair => Mean(blocks, block => Finite(block.SwapAcceptance[pair])))],
            Diagnostics = diagnostics,
            DivergedChains = [.. blocks.SelectMany(block => block.Alive.Index().Where(flag => flag.Item == 0).Select(flag => block.Block.Offset + flag.Index))],
            EnergyMean = energies.Length == 0 ? 0 : energies.Average(),
            Warnings = [.. WarningsOf(diagnostics)],
            SamplesSha256 = samplesSha256,
            Determinism = Scope,
        };
    }

    private static IEnumerable<string> WarningsOf(JobDiagnostics diagnostics)
    {
        if (diagnostics.UnmovedChains > 0)
            yield return $"{diagnostics.UnmovedChains} of {diagnostics.Chains} chains never moved after the warm-up: they are no sample. Use a smaller stepSize, or a warmup that adapts it.";
    }

    private static double? Finite(float value) => float.IsFinite(value) ? value : null;

    private static double? Mean(IReadOnlyList<SamplingBlock> blocks, Func<SamplingBlock, double?> figure)
    {
        SamplingBlock[] known = [.. blocks.Where(block => figure(block) is not null)];
        return known.Length == 0 ? null : known.Sum(block => figure(block)!.Value * block.Block.Count) / known.Sum(block => block.Block.Count);
    }
}

/// <summary>Implied temperatures of a chain.</summary>
internal sealed record SamplingCardTemperature(double First, double Last);
