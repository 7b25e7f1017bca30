using EbmService.Core.Sampling;
using EbmService.Inference.Energies;

namespace EbmService.Inference.Samplers;

/// <summary>The kernel that a spec asks for. A new kernel is one class and one line here.</summary>
internal static class KernelFactory
{
    public static IKernel Create(SamplingSpec spec, IEnergyModel model) => spec.Kernel switch
    {
        SamplingKernel.Sgld => new SgldKernel(model, spec.ToRecipe(), spec.Horizon),
        _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Kernel, "not a known kernel"),
    };
}
