using EbmService.Core.Sampling;
using EbmService.Inference.Energies;

namespace EbmService.Inference.Samplers;

/// <summary>The kernel that a spec asks for. A new kernel is one class and one line here.</summary>
internal static class KernelFactory
{
    public static IKernel Create(SamplingSpec spec, IEnergyModel model)
    {
        SgldRecipe recipe = spec.ToRecipe();
        var plan = new ChainPlan(recipe, spec.Horizon, spec.Warmup);
        return spec.Kernel switch
        {
            SamplingKernel.Sgld or SamplingKernel.Ula => new SgldKernel(model, recipe, spec.Horizon),
            SamplingKernel.PreconditionedSgld => new PreconditionedSgldKernel(model, plan, spec.Preconditioner ?? new()),
            SamplingKernel.Mala => new MalaKernel(model, plan, spec.Mala ?? new()),
            SamplingKernel.Hmc => new HmcKernel(model, plan, spec.Hmc ?? new()),
            SamplingKernel.Underdamped => new UnderdampedKernel(model, plan, spec.Underdamped ?? new()),
            _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Kernel, "not a known kernel"),
        };
    }
}
