using System.Globalization;
using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Inference.Diagnostics;
using EbmService.Inference.Formats;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>One block's result, read back.</summary>
internal sealed record SamplingBlock
{
    public required BlockPlan Block { get; init; }

    public required int Step { get; init; }

    public required float[] Energies { get; init; }

    public required byte[] Alive { get; init; }

    /// <value>(points, chains).</value>
    public required float[] TraceEnergy { get; init; }

    /// <value>(points, chains).</value>
    public required float[] TraceGradientNorm { get; init; }

    public required long[] TraceSteps { get; init; }

    public required ChainSeries Series { get; init; }

    /// <value>States in the block's log, (draws, chains, input).</value>
    public required int Draws { get; init; }

    public double? Acceptance { get; init; }

    public long? DivergentTransitions { get; init; }

    public double? Ebfmi { get; init; }

    /// <value>What the kernel adapted its step size to; null for kernels that don't.</value>
    public double? StepSize { get; init; }

    /// <value>Between each temperature and the next; empty without replica exchange.</value>
    public float[] SwapAcceptance { get; init; } = [];

    /// <summary>The final states alone, (chains, input).</summary>
    public static float[] ReadStates(BlockResult result) => SafetensorsFile.Read(result.Read())["states"].ToFloats();

    /// <summary>All but the final states.</summary>
    public static SamplingBlock Read(BlockResult result)
    {
        SafetensorsFile file = SafetensorsFile.Read(result.Read());
        return new SamplingBlock
        {
            Block = result.Block,
            Step = int.Parse(file.Metadata["step"], CultureInfo.InvariantCulture),
            Energies = file["energy"].ToFloats(),
            Alive = file["alive"].ToBytes(),
            TraceEnergy = file["trace.energy"].ToFloats(),
            TraceGradientNorm = file["trace.gradientNorm"].ToFloats(),
            TraceSteps = file["trace.steps"].ToInt64(),
            Series = ChainSeriesRecorder.Read(file),
            Draws = ChainTrajectory.DrawsIn(file),
            Acceptance = Number(file, "acceptance"),
            DivergentTransitions = (long?)Number(file, "divergentTransitions"),
            Ebfmi = Number(file, "ebfmi"),
            StepSize = Number(file, "stepSize"),
            SwapAcceptance = file["swapAcceptance"].ToFloats(),
        };
    }

    private static double? Number(SafetensorsFile file, string name) =>
        file.Metadata.TryGetValue(name, out string? text) ? double.Parse(text, CultureInfo.InvariantCulture) : null;
}
