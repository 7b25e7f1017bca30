using System.Globalization;
using EbmService.Core.Jobs;
using EbmService.Inference.Checkpoints;

namespace EbmService.Inference.Tasks;

/// <summary>One block's result, read back.</summary>
internal sealed record SamplingBlock(
    BlockPlan Block, int Step, float[] States, float[] Energies, byte[] Alive, float[] TraceEnergy, float[] TraceGradientNorm, long[] TraceSteps)
{
    public static SamplingBlock Read(BlockResult result)
    {
        SafetensorsFile file = SafetensorsFile.Read(result.Result);
        return new SamplingBlock(
            result.Block,
            int.Parse(file.Metadata["step"], CultureInfo.InvariantCulture),
            file["states"].ToFloats(), file["energy"].ToFloats(), file["alive"].ToBytes(),
            file["trace.energy"].ToFloats(), file["trace.gradientNorm"].ToFloats(), file["trace.steps"].ToInt64());
    }
}
