using EbmService.Core.Sampling;

namespace EbmService.Inference.Tests.Models;

internal static class SamplingSpecs
{
    public static SamplingSpec Create(int chains, int steps, int blockSize, long seed = 7) => new()
    {
        Chains = chains,
        Steps = steps,
        Seed = seed,
        Recipe = "test",
        Kernel = SamplingKernel.Sgld,
        StepSize = 0.1,
        Noise = 0.1,
        Order = UpdateOrder.GradientFirst,
        GradientClip = new(),
        StateClamp = new(),
        Schedule = new(),
        Labels = [],
        Start = ChainStart.Base,
        FreshShare = 0.2,
        BlockSize = blockSize,
        PreviewEvery = 0,
        Precision = SamplingPrecision.Float32,
    };
}
