using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Api.Models;

internal static class ModelContractMapper
{
    internal static ModelListResponse ToList(IReadOnlyList<HostedModel> all) =>
        new([.. all.GroupBy(model => model.Key.Name).Select(versions => ToSummary(versions.Key, [.. versions]))]);

    internal static ModelCardResponse ToCard(HostedModel model, IReadOnlyList<HostedModel> all)
    {
        ModelDescriptor descriptor = model.Descriptor!;
        return new ModelCardResponse
        {
            Name = model.Key.Name,
            Version = model.Key.Version,
            Digest = model.Digest,
            Title = descriptor.Title,
            Description = descriptor.Description,
            State = model.State,
            Tasks = model.Tasks,
            Architecture = descriptor.Architecture,
            ParameterCount = model.ParameterCount,
            Input = descriptor.Input,
            Labels = descriptor.Labels,
            DefaultRecipe = descriptor.DefaultRecipe,
            DefaultKernel = SamplingSpecFactory.DefaultKernel(descriptor),
            Recipes = Recipes(descriptor),
            OodScore = descriptor.OodScore,
            CalibrationId = model.CalibrationId,
            BufferSize = model.BufferSize,
            BlockSizes = model.Manifest?.BlockSizes ?? new Dictionary<string, int>(),
            Provenance = model.Manifest?.Provenance,
            Metrics = model.Manifest?.Metrics ?? new Dictionary<string, double>(),
            Versions = [.. all.Where(other => other.Key.Name == model.Key.Name).Select(ToVersion)],
        };
    }

    private static ModelSummary ToSummary(string name, IReadOnlyList<HostedModel> versions)
    {
        HostedModel? newest = versions.FirstOrDefault(version => version.State == ModelState.Ready);
        return new ModelSummary(
            name,
            newest?.Descriptor?.Title,
            newest?.Key.Version,
            newest is null ? ModelState.Unavailable : ModelState.Ready,
            newest?.Tasks ?? [],
            newest?.Descriptor?.Input,
            newest?.Descriptor?.Labels ?? [],
            newest?.Manifest?.Metrics ?? new Dictionary<string, double>(),
            [.. versions.Select(ToVersion)]);
    }

    private static VersionSummary ToVersion(HostedModel model) =>
        new(model.Key.Version, model.State, model.Reason, model.Digest.Length == 0 ? null : model.Digest);

    private static Dictionary<string, RecipeCard> Recipes(ModelDescriptor descriptor) =>
        descriptor.Recipes.Keys.Union(SgldRecipes.BuiltIn.Keys)
            .Select(name => (Name: name, Recipe: SamplingSpecFactory.FindRecipe(descriptor, name)!))
            .ToDictionary(entry => entry.Name,
                entry => new RecipeCard(entry.Recipe, entry.Recipe.ImpliedTemperatureAt(0, entry.Recipe.Steps)));
}
