using System.Text.Json;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Ood;

namespace EbmService.Inference.Models;

/// <summary>Checks a descriptor on its own; every fault is reported, not the first.</summary>
internal static class ModelDescriptorValidator
{
    /// <returns>The architecture's spec.</returns>
    /// <exception cref="InvalidModelException">With all faults in one sentence.</exception>
    internal static ArchitectureSpec Check(ModelDescriptor descriptor, string folderName)
    {
        (ArchitectureSpec? spec, string? unreadable) = Read(descriptor.Architecture);
        ModelCapabilities? capabilities = spec?.Family().Capabilities(spec, descriptor.Input);
        List<string> faults =
        [
            .. descriptor.Name == folderName ? [] : new[] { $"name is '{descriptor.Name}' but the folder is '{folderName}'" },
            .. InputFaults(descriptor.Input),
            .. LabelFaults(descriptor, capabilities),
            .. RecipeFaults(descriptor),
            .. KernelFaults(descriptor, capabilities),
            .. ScoreFaults(descriptor, capabilities),
            .. spec?.Family().Faults(spec, descriptor.Input) ?? [unreadable!],
        ];
        if (faults.Count > 0)
            throw new InvalidModelException($"{ModelFiles.Descriptor}: {string.Join("; ", faults)}");
        return spec!;
    }

    private static (ArchitectureSpec? Spec, string? Unreadable) Read(ModelArchitecture architecture)
    {
        try
        {
            return (architecture.Spec(), null);
        }
        catch (InvalidModelException e)
        {
            return (null, e.Message);
        }
    }

    private static IEnumerable<string> InputFaults(InputSchema input)
    {
        int dimensions = input.Kind == InputKind.Image ? 3 : input.Variables == VariableKind.Categorical ? 2 : 1;
        bool lattice = input is { Kind: InputKind.Vector, Variables: VariableKind.Binary, Shape.Count: 2 };
        if (input.Shape.Count != dimensions && !lattice)
            yield return $"input.shape needs {dimensions} sizes for this kind";
        bool overLong = input.Shape.Aggregate(1.0, (product, size) => product * size) > ModelLimits.MaxInputLength;
        if (input.Shape.Any(size => size < 1) || overLong)
            yield return $"input.shape needs sizes of at least 1 with a product of at most {ModelLimits.MaxInputLength}";
        if (!double.IsFinite(input.Min) || !double.IsFinite(input.Max) || input.Min >= input.Max)
            yield return "input needs finite min below max";
        if (input.Background is { } background && !(input.Kind == InputKind.Image && background >= input.Min && background <= input.Max))
            yield return "input.background is for images, between min and max";
        if (input.Variables != VariableKind.Continuous && (input.Min != 0 || input.Max != 1))
            yield return "binary and categorical variables need input min 0 and max 1";
    }

    private static IEnumerable<string> LabelFaults(ModelDescriptor descriptor, ModelCapabilities? capabilities)
    {
        if (capabilities is not null && descriptor.Labels.Count != capabilities.Classes)
            yield return $"{descriptor.Labels.Count} labels for {capabilities.Classes} classes";
        if (descriptor.Labels.Any(string.IsNullOrWhiteSpace) || descriptor.Labels.Distinct().Count() != descriptor.Labels.Count)
            yield return "labels must differ and not be blank";
    }

    private static IEnumerable<string> ScoreFaults(ModelDescriptor descriptor, ModelCapabilities? capabilities)
    {
        string[] known = [.. OodScorer.NamesOf(capabilities?.Classes ?? descriptor.Labels.Count), .. OodScorer.Chain, .. OodScorer.Fitted];
        if (!known.Contains(descriptor.OodScore))
            yield return $"oodScore '{descriptor.OodScore}' is none of {string.Join(", ", known)}";
    }

    private static IEnumerable<string> KernelFaults(ModelDescriptor descriptor, ModelCapabilities? capabilities)
    {
        if (descriptor.DefaultKernel is { } kernel && capabilities is not null && !CapabilityRules.Kernels(capabilities).Contains(kernel))
            yield return $"defaultKernel {Word(kernel)} is none of {string.Join(", ", CapabilityRules.Kernels(capabilities).Select(Word))}";

        static string Word(SamplingKernel kernel) => JsonNamingPolicy.CamelCase.ConvertName(kernel.ToString());
    }

    private static IEnumerable<string> RecipeFaults(ModelDescriptor descriptor)
    {
        if (SamplingSpecFactory.FindRecipe(descriptor, descriptor.DefaultRecipe) is null)
            yield return $"defaultRecipe '{descriptor.DefaultRecipe}' is no recipe";
        foreach ((string name, SgldRecipe recipe) in descriptor.Recipes)
        {
            if ((recipe.Noise is null) == (recipe.Temperature is null))
                yield return $"recipe '{name}' needs either noise or temperature";
            foreach ((string member, string rule) in SgldRecipeRules.Faults(recipe))
                yield return $"recipe '{name}': {member} {rule.TrimEnd('.')}";
        }
    }
}
