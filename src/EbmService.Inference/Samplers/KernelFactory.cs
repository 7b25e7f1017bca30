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
    /// <exception cref="ArgumentException">The model lacks what the kernel needs: <see cref="CapabilityRules"/> refuses such a spec.</exception>
    public static IKernel Create(SamplingSpec spec, IEnergyModel model, VariableKind variables = VariableKind.Continuous) =>
        Create(spec, new GradientPass(model), variables);

    /// <param name="pass">Over the energy.</param>
    public static IKernel Create(SamplingSpec spec, GradientPass pass, VariableKind variables)
    {
        SgldRecipe recipe = spec.ToRecipe();
        var plan = new ChainPlan(recipe, spec.Horizon, spec.Warmup);
        IKernel kernel = spec.Kernel switch
        {
            SamplingKernel.Sgld or SamplingKernel.Ula => new SgldKernel(pass, recipe, spec.Horizon),
            SamplingKernel.PreconditionedSgld => new PreconditionedSgldKernel(pass, plan, spec.Preconditioner ?? new()),
            SamplingKernel.Mala => new MalaKernel(pass, plan, spec.Mala ?? new()),
            SamplingKernel.Hmc => new HmcKernel(pass, plan, spec.Hmc ?? new()),
            SamplingKernel.Underdamped => new UnderdampedKernel(pass, plan, spec.Underdamped ?? new()),
            SamplingKernel.GibbsWithGradients => new GibbsWithGradientsKernel(pass, plan, Discrete(variables)),
            SamplingKernel.BlockedGibbs => new BlockedGibbsKernel(Conditionals(pass.Model), pass, plan),
            _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Kernel, "not a known kernel"),
        };
        return spec.Tempering is { } tempering
            ? new ReplicaExchangeKernel(kernel, pass, plan, tempering, spec.Kernel == SamplingKernel.BlockedGibbs ? Conditionals(pass.Model) : null) : kernel;
    }

    private static VariableKind Discrete(VariableKind variables) => variables != VariableKind.Continuous ? variables : throw NotChecked(nameof(variables));

    private static IBlockConditionals Conditionals(IEnergyModel model) => model as IBlockConditionals ?? throw NotChecked(nameof(model));

    private static ArgumentException NotChecked(string parameter) => new("the kernel needs what the model does not have: see CapabilityRules", parameter);
}

/// <summary>A chain's numbers and where they stand at a step. The temperature must be given: only SGLD takes a noise instead.</summary>
/// <param name="Recipe">Step size, temperature, clip, clamp and schedules.</param>
/// <param name="Horizon">The schedules' length in steps.</param>
/// <param name="Warmup">First steps, for adaptation; acceptance and divergences are counted after them.</param>
internal sealed record ChainPlan(SgldRecipe Recipe, int Horizon, int Warmup = 0)
{
    public StateClamp? Box { get; } = Recipe.StateClamp.Kind == StateClampKind.Range ? Recipe.StateClamp : null;

    public double StepSizeAt(int step) => Recipe.StepSizeAt(step, Horizon);

    /// <summary>The schedule's factor on an adapted step size.</summary>
    public double StepFactorAt(int step) => Recipe.Schedule.FactorAt(step, Horizon);

    public double TemperatureAt(int step) => Recipe.TemperatureAt(step, Horizon)
        ?? throw new InvalidOperationException("this kernel needs a temperature instead of a noise");
}
