using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Sampling;

/// <summary>Turns a request into a spec: recipe, then overrides, then every check; reports all errors, not the first.</summary>
public static class SamplingSpecFactory
{
    public const int DefaultChains = 64;
    public const int DefaultBlockSize = 16;
    public const int MaxBlockSize = 1024;
    public const int DefaultCheckEvery = 100;
    public const int MaxDefaultWarmup = 500;

    /// <summary>Seeds stay exact in JSON numbers.</summary>
    public const long MaxSeed = (1L << 53) - 1;

    /// <param name="request">What the client sent.</param>
    /// <param name="model">A ready model.</param>
    /// <param name="deviceKind">Chooses among the block sizes measured for the version.</param>
    /// <param name="policy">This server's limits.</param>
    /// <param name="newSeed">Makes a seed in [0, 2^53) where the request has none.</param>
    public static Outcome<SamplingSpec> Create(
        SamplingRequest request, HostedModel model, string deviceKind, SamplingPolicy policy, Func<long> newSeed)
    {
        ModelDescriptor descriptor = model.Descriptor
            ?? throw new ArgumentException("needs a ready model", nameof(model));
        SamplingKernel kernel = request.Kernel ?? DefaultKernel(descriptor);
        string recipeName = request.Recipe ?? DefaultRecipe(descriptor, kernel);
        if (FindRecipe(descriptor, recipeName) is not { } recipe)
            return Failure.OfFields([UnknownRecipe(descriptor, recipeName)]);
        if (request.Recipe is null && recipeName != descriptor.DefaultRecipe)
            recipe = recipe with { StateClamp = FindRecipe(descriptor, descriptor.DefaultRecipe)?.StateClamp ?? new() };
        // What the kernel ignores the spec must not show: sent again it would be refused.
        if (kernel.IsDiscrete())
            recipe = recipe with { StateClamp = new(), Schedule = new() };

        SamplingSpec spec = Merge(request, kernel, recipeName, recipe, model, deviceKind, newSeed);
        List<FieldError> errors = SamplingSpecValidator.Check(request, spec, model, policy);
        return errors.Count > 0 ? Failure.OfFields(errors) : spec;
    }

    /// <summary>What stands in the way of so many more steps; null where nothing does.</summary>
    public static Failure? CheckExtension(SamplingSpec spec, int steps, HostedModel model, SamplingPolicy policy)
    {
        if (steps < 1)
            return Failure.OfFields([new("steps", "Must be at least 1: the steps to add.")]);
        if ((long)spec.Steps + steps > int.MaxValue)
            return Failure.OfFields([new(
                "steps", $"With the job's {spec.Steps} steps that is more than any job can have.", FailureCode.OverPolicy)]);
        IReadOnlyList<FieldError> errors = SamplingSpecValidator.CheckLimits(spec.Extended(steps), model, policy);
        return errors.Count > 0 ? Failure.OfFields([.. errors.Select(error => error with { Field = "steps" })]) : null;
    }

    /// <summary>What chains move by when a request names no kernel.</summary>
    public static SamplingKernel DefaultKernel(ModelDescriptor descriptor) => descriptor.DefaultKernel
        ?? (descriptor.Input.Variables == VariableKind.Continuous ? SamplingKernel.Sgld : SamplingKernel.GibbsWithGradients);

    /// <summary>
    /// The model's own, but for kernels with a temperature one that samples
    /// the model at T = 1 where the own one has a noise instead.
    /// </summary>
    private static string DefaultRecipe(ModelDescriptor descriptor, SamplingKernel kernel) =>
        kernel == SamplingKernel.Sgld || FindRecipe(descriptor, descriptor.DefaultRecipe)?.Temperature is not null
            ? descriptor.DefaultRecipe
            : SgldRecipes.Langevin;

    /// <summary>The model's recipe of that name, or the built-in one.</summary>
    public static SgldRecipe? FindRecipe(ModelDescriptor descriptor, string name) =>
        descriptor.Recipes.TryGetValue(name, out SgldRecipe? own) ? own : SgldRecipes.BuiltIn.GetValueOrDefault(name);

    private static FieldError UnknownRecipe(ModelDescriptor descriptor, string name)
    {
        IEnumerable<string> known = descriptor.Recipes.Keys.Union(SgldRecipes.BuiltIn.Keys).Order(StringComparer.Ordinal);
        return new("spec.recipe", $"There is no recipe '{name}'. Known: {string.Join(", ", known)}.");
    }

    private static SamplingSpec Merge(
        SamplingRequest request, SamplingKernel kernel, string recipeName, SgldRecipe recipe, HostedModel model,
        string deviceKind, Func<long> newSeed)
    {
        bool ownNoise = request.Noise is not null || request.Temperature is not null;
        bool sgld = kernel == SamplingKernel.Sgld;
        int steps = request.Steps ?? recipe.Steps;
        double? temperature = ownNoise ? request.Temperature : recipe.Temperature;
        var spec = new SamplingSpec
        {
            Chains = request.Chains ?? DefaultChains,
            Steps = steps,
            Seed = request.Seed ?? newSeed(),
            Recipe = recipeName,
            Kernel = kernel,
            StepSize = request.StepSize ?? DefaultStepSize(kernel, recipe),
            Noise = ownNoise ? request.Noise : sgld ? recipe.Noise : null,
            Temperature = sgld || request.Noise is not null ? temperature : temperature ?? recipe.ImpliedTemperatureAt(0, recipe.Steps),
            Order = request.Order ?? (sgld ? recipe.Order : UpdateOrder.GradientFirst),
            GradientClip = request.GradientClip ?? (sgld ? recipe.GradientClip : new()),
            StateClamp = request.StateClamp ?? recipe.StateClamp,
            Schedule = request.Schedule ?? recipe.Schedule,
            NoiseSchedule = request.NoiseSchedule ?? (ownNoise || !sgld ? new() : recipe.NoiseSchedule),
            TemperatureSchedule = request.TemperatureSchedule ?? (ownNoise ? new() : recipe.TemperatureSchedule),
            ScheduleSteps = request.ScheduleSteps ?? steps,
            Labels = request.Labels ?? (request.Label is { } label ? [label] : []),
            Start = request.Start ?? DefaultStart(request, recipe, model),
            FreshShare = request.FreshShare ?? recipe.FreshShare,
            BlockSize = request.BlockSize
                ?? model.Manifest?.BlockSizes.GetValueOrDefault(deviceKind, DefaultBlockSize) ?? DefaultBlockSize,
            PreviewEvery = request.PreviewEvery ?? 0,
            Precision = request.Precision ?? SamplingPrecision.Float32,
        };
        return WithSettings(spec, request, kernel, steps);
    }

    private static SamplingSpec WithSettings(SamplingSpec spec, SamplingRequest request, SamplingKernel kernel, int steps) => spec with
    {
        Warmup = request.Warmup ?? (kernel.Adapts() ? Math.Min(MaxDefaultWarmup, steps / 2) : 0),
        Hmc = request.Hmc ?? (kernel == SamplingKernel.Hmc ? new() : null),
        Mala = request.Mala ?? (kernel == SamplingKernel.Mala ? new() : null),
        Underdamped = request.Underdamped ?? (kernel == SamplingKernel.Underdamped ? new() : null),
        Preconditioner = request.Preconditioner ?? (kernel == SamplingKernel.PreconditionedSgld ? new() : null),
        Tempering = request.Tempering,
        Stop = request.Stop is { CheckEvery: null } stop && stop is not { UntilEss: null, UntilRHat: null }
            ? stop with { CheckEvery = DefaultCheckEvery } : request.Stop,
        Thin = request.Thin,
        Held = request.Held,
        Data = request.Data,
        Dataset = request.Dataset,
        DatasetSha256 = request.DatasetSha256,
        OutOfRange = request.OutOfRange ?? OutOfRange.Refuse,
        StartJob = request.StartJob,
    };

    /// <summary>A Langevin step a and a leapfrog step sqrt(2a) move equally far.</summary>
    private static double DefaultStepSize(SamplingKernel kernel, SgldRecipe recipe) =>
        kernel is SamplingKernel.Hmc or SamplingKernel.Underdamped ? Math.Sqrt(2 * recipe.StepSize) : recipe.StepSize;

    private static ChainStart DefaultStart(SamplingRequest request, SgldRecipe recipe, HostedModel model) =>
        request.Data is not null || request.Dataset is not null ? ChainStart.Data
        : request.StartJob is not null ? ChainStart.Job
        : model.BufferSize > 0 ? recipe.Start : ChainStart.Base;
}

/// <summary>The largest sampling job this server takes.</summary>
/// <param name="MaxChains">Chains of one job.</param>
/// <param name="MaxSteps">Steps of one chain.</param>
/// <param name="MaxElementSteps">Gradients (chains x replicas x steps x leapfrog steps) x numbers in one input.</param>
/// <param name="MaxResultNumbers">Chains x kept states x numbers in one input: the result is held in memory once, as float32.</param>
/// <param name="MaxInlineNumbers">Numbers of a tensor inside a spec, which travels with every answer about the job.</param>
public sealed record SamplingPolicy(
    int MaxChains = 65_536, int MaxSteps = 1_000_000, double MaxElementSteps = 1e12, double MaxResultNumbers = 1 << 28,
    int MaxInlineNumbers = 1 << 17)
{
    public static SamplingPolicy From(JobLimits limits) =>
        new(limits.MaxItems, limits.MaxSteps, limits.MaxElementSteps, limits.MaxResultNumbers, limits.MaxInlineNumbers);
}
