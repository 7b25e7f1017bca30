using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;

namespace EbmService.Inference.Samplers;

/// <summary>The kernel that a spec asks for. A new kernel is one class and one line here.</summary>
internal static class KernelFactory
{
    /// <param name="spec">A validated spec.</param>
    /// <param name="model">The energy.</param>
    /// <param name="variables">Of the model's input; the discrete kernels need to know them.</param>
    /// <exception cref="FailureException">The model can't do what the kernel needs.</exception>
    public static IKernel Create(SamplingSpec spec, IEnergyModel model, VariableKind variables = VariableKind.Continuous)
    {
        SgldRecipe recipe = spec.ToRecipe();
        var plan = new ChainPlan(recipe, spec.Horizon, spec.Warmup);
        IKernel kernel = spec.Kernel switch
        {
            SamplingKernel.Sgld or SamplingKernel.Ula => new SgldKernel(model, recipe, spec.Horizon),
            SamplingKernel.PreconditionedSgld => new PreconditionedSgldKernel(model, plan, spec.Preconditioner ?? new()),
            SamplingKernel.Mala => new MalaKernel(model, plan, spec.Mala ?? new()),
            SamplingKernel.Hmc => new HmcKernel(model, plan, spec.Hmc ?? new()),
            SamplingKernel.Underdamped => new UnderdampedKernel(model, plan, spec.Underdamped ?? new()),
            SamplingKernel.GibbsWithGradients => new GibbsWithGradientsKernel(model, plan, Discrete(variables)),
            SamplingKernel.BlockedGibbs => new BlockedGibbsKernel(Conditionals(model), plan),
            _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Kernel, "not a known kernel"),
        };
        return spec.Tempering is { } tempering ? new ReplicaExchangeKernel(kernel, model, plan, tempering) : kernel;
    }

    private static VariableKind Discrete(VariableKind variables) => variables != VariableKind.Continuous
        ? variables
        : throw new FailureException(new Failure(FailureCode.NotSupported, "The model's variables are continuous: gibbsWithGradients moves binary and categorical ones."));

    private static IBlockConditionals Conditionals(IEnergyModel model) => model as IBlockConditionals
        ?? throw new FailureException(new Failure(FailureCode.NotSupported, "The model does not know the conditionals of its blocks.", "Use gibbsWithGradients."));
}
