using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Inference.JobTypes.Sampling;
using EbmService.Inference.Tests.Models;

namespace EbmService.Inference.Tests.JobTypes.Sampling;

public sealed class SamplingTraceTests
{
    [Fact]
    public void Create_BlocksThatStoppedAtDifferentSteps_PairsEqualSteps()
    {
        // Energies equal steps. One block has every second step up to 8 and the last, 9; the other every step up to 3.
        SamplingTrace sut = SamplingTrace.Create(
            SamplingSpecs.Create(4, 10, 2), [Block(0, [0, 2, 4, 6, 8, 9]), Block(1, [0, 1, 2, 3])],
            new JobDiagnostics { Step = 0, Draws = 0, Chains = 4 });

        Assert.Equal([0L, 2, 4, 6, 8, 9], sut.Steps);
        Assert.Equal([0.0, 2, 4, 6, 8, 9], sut.EnergyMean);
        Assert.All(sut.EnergyStandardDeviation, deviation => Assert.Equal(0, deviation));
        Assert.Equal([0f, 2, 4, 6, 8, 9], sut.Chains[0].Energy);
        Assert.Equal([0f, 2, null, null, null, null], sut.Chains[3].Energy);
    }

    private static SamplingBlock Block(int index, long[] steps)
    {
        float[] values = [.. steps.SelectMany(step => new[] { (float)step, step })];
        return new SamplingBlock
        {
            Block = new BlockPlan(index, 2 * index, 2, 10), Step = (int)steps[^1] + 1, Draws = 0, Energies = [], Alive = [1, 1],
            TraceEnergy = values, TraceGradientNorm = values, TraceSteps = steps, Series = new ChainSeries(2, 1, 1, 0, ["energy"], []),
        };
    }
}
