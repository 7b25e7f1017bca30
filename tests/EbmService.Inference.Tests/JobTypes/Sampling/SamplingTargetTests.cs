using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.JobTypes.Sampling;
using EbmService.Inference.Tests.Models;

namespace EbmService.Inference.Tests.JobTypes.Sampling;

public sealed class SamplingTargetTests
{
    // Of a restricted Boltzmann machine, blocked Gibbs at T tempers h too; gibbsWithGradients and models without summed units don't.
    [Theory]
    [InlineData(SamplingKernel.BlockedGibbs, 2, true, true)]
    [InlineData(SamplingKernel.BlockedGibbs, 1, true, false)]
    [InlineData(SamplingKernel.BlockedGibbs, 2, false, false)]
    [InlineData(SamplingKernel.GibbsWithGradients, 2, true, false)]
    public void Describe_OfATemperature_SaysWhereHiddenUnitsAreTemperedToo(SamplingKernel kernel, double temperature, bool summed, bool tempered)
    {
        SamplingSpec spec = SamplingSpecs.Create(1, 10, 1) with { Kernel = kernel, Noise = null, Temperature = temperature };

        string target = SamplingTarget.Describe(spec, 10, new ModelCapabilities { TempersHiddenUnits = summed });

        Assert.StartsWith(tempered ? $"sum_h exp(-E(x, h) / T) at T = {temperature}, which is not exp(-E(x) / T)" : $"exp(-E(x) / T) at T = {temperature}", target, StringComparison.Ordinal);
        Assert.Contains("exactly", target, StringComparison.Ordinal);
    }
}
