using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Samplers;
using EbmService.Inference.Tests.Samplers;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Devices;

public sealed class ScalarsTests
{
    /// <summary>Numbers handed to libtorch must outlive the call: a collector that never rests finds those that nobody holds.</summary>
    [Theory]
    [InlineData(SamplingKernel.Mala)]
    [InlineData(SamplingKernel.Hmc)]
    [InlineData(SamplingKernel.Sgld)]
    [InlineData(SamplingKernel.PreconditionedSgld)]
    [InlineData(SamplingKernel.Underdamped)]
    public void Step_WhileMemoryIsCollectedAllTheTime_GivesTheSameBits(SamplingKernel kernel)
    {
        float[] quiet = Run(kernel);
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0, GCCollectionMode.Forced, blocking: true);
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            Assert.Equal(quiet, Run(kernel));
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    private static float[] Run(SamplingKernel kernel)
    {
        using IEnergyModel model = ChainRunner.Quadratic(1, 2);
        using ChainState state = ChainRunner.Advance(
            KernelFactory.Create(KernelCases.Temperate(kernel, 0.1), model), new ChainStartPoints(full([8, 2], 0.5f)), 1500, 1);
        return state.X.data<float>().ToArray();
    }
}
