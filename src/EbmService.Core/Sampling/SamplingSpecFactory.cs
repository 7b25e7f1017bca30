using EbmService.Core.Failures;
using EbmService.Core.Models;

namespace EbmService.Core.Sampling;

/// <summary>Turns a request into a spec: recipe, then overrides, then every check; reports all errors, not the first.</summary>
public static class SamplingSpecFactory
{
    public const int DefaultChains = 64;
    public const int DefaultBlockSize = 16;
    public const int MaxBlockSize = 1024;

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
        string recipeName = request.Recipe ?? descriptor.DefaultRecipe;
        if (FindRecipe(descriptor, recipeName) is not { } recipe)
            return Failure.OfFields([UnknownRecipe(descriptor, recipeName)]);

        SamplingSpec spec = Merge(request, recipeName, recipe, model, deviceKind, newSeed);
        List<FieldError> errors = SamplingSpecValidator.Check(request, spec, model, policy);
        return errors.Count > 0 ? Failure.OfFields(errors) : spec;
    }

    /// <summary>The model's recipe of that name, or the built-in one.</summary>
    public static SgldRecipe? FindRecipe(ModelDescriptor descriptor, string name) =>
        descriptor.Recipes.TryGetValue(name, out SgldRecipe? own) ? own : SgldRecipes.BuiltIn.GetValueOrDefault(name);

    private static FieldError UnknownRecipe(ModelDescriptor descriptor, string name)
    {
        IEnumerable<string> known = descriptor.Recipes.Keys.Union(SgldRecipes.BuiltIn.Keys).Order(StringComparer.Ordinal);
        return new("spec.recipe", $"There is no recipe '{name}'. Known: {string.Join(", ", known)}.");
    }

    private static SamplingSpec Merge(
        SamplingRequest request, string recipeName, SgldRecipe recipe, HostedModel model, string deviceKind, Func<long> newSeed)
    {
        bool ownNoise = request.Noise is not null || request.Temperature is not null;
        bool hasBuffer = model.BufferSize > 0;
        return new SamplingSpec
        {
            Chains = request.Chains ?? DefaultChains,
            Steps = request.Steps ?? recipe.Steps,
            Seed = request.Seed ?? newSeed(),
            Recipe = recipeName,
            Kernel = request.Kernel ?? SamplingKernel.Sgld,
            StepSize = request.StepSize ?? recipe.StepSize,
            Noise = ownNoise ? request.Noise : recipe.Noise,
            Temperature = ownNoise ? request.Temperature : recipe.Temperature,
            Order = request.Order ?? recipe.Order,
            GradientClip = request.GradientClip ?? recipe.GradientClip,
            StateClamp = request.StateClamp ?? recipe.StateClamp,
            Schedule = request.Schedule ?? recipe.Schedule,
            Labels = request.Labels ?? (request.Label is { } label ? [label] : []),
            Start = request.Start ?? (hasBuffer ? recipe.Start : ChainStart.Base),
            FreshShare = request.FreshShare ?? recipe.FreshShare,
            BlockSize = request.BlockSize
                ?? model.Manifest?.BlockSizes.GetValueOrDefault(deviceKind, DefaultBlockSize) ?? DefaultBlockSize,
            PreviewEvery = request.PreviewEvery ?? 0,
            Precision = request.Precision ?? SamplingPrecision.Float32,
        };
    }
}
