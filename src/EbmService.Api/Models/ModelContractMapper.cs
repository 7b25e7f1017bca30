using EbmService.Api.Security;
using EbmService.Core.Calibration;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Api.Models;

/// <summary>Models as clients see them.</summary>
internal sealed class ModelContractMapper(IModelCatalog catalog, IModelLoader loader, ICalibrations calibrations, Caller caller)
{
    private readonly ICalibrations _calibrations = calibrations.VisibleTo(caller.Tenant);

    internal ModelListResponse ToList() =>
        new([.. catalog.List().GroupBy(model => model.Key.Name).Select(versions => ToSummary(versions.Key, [.. versions]))]);

    /// <summary>One model with all its versions.</summary>
    internal ModelSummary ToSummary(string name) => ToSummary(name, VersionsOf(name));

    internal ModelCardResponse ToCard(HostedModel model)
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
            MemoryBytes = loader.MemoryOf(model),
            Input = descriptor.Input,
            VisibleShape = model.VisibleSchema().Shape,
            Latents = model.Capabilities.Latents,
            Labels = descriptor.Labels,
            DefaultRecipe = descriptor.DefaultRecipe,
            DefaultKernel = SamplingSpecFactory.DefaultKernel(descriptor),
            Recipes = Recipes(descriptor),
            OodScore = descriptor.OodScore,
            CalibrationId = model.CalibrationId,
            Calibrations = [.. _calibrations.List(model.Key.Name).Where(entry => entry.Model.Digest == model.Digest)],
            BufferSize = model.BufferSize,
            BlockSizes = model.Manifest?.BlockSizes ?? new Dictionary<string, int>(),
            Provenance = model.Manifest?.Provenance,
            Metrics = model.Manifest?.Metrics ?? new Dictionary<string, double>(),
            ValidSteps = model.Manifest?.ValidSteps ?? new Dictionary<string, StepRange>(),
            Versions = [.. VersionsOf(model.Key.Name).Select(ToVersion)],
        };
    }

    internal CalibrationListResponse ToCalibrations(HostedModel model) => new(
        model.Key.Name, model.Key.Version,
        _calibrations.Find(model.Reference(), null)?.Reference ?? (model.CalibrationId is null ? null : CalibrationEntry.Bundled),
        model.CalibrationId, _calibrations.List(model.Key.Name));

    private HostedModel[] VersionsOf(string name) => [.. catalog.List().Where(model => model.Key.Name == name)];

    private ModelSummary ToSummary(string name, IReadOnlyList<HostedModel> versions)
    {
        HostedModel? newest = versions.FirstOrDefault(version => version.State == ModelState.Ready);
        return new ModelSummary(
            name,
            newest?.Descriptor?.Title,
            newest?.Key.Version,
            newest?.State ?? (versions.Any(version => version.State == ModelState.Unloaded) ? ModelState.Unloaded : ModelState.Unavailable),
            newest?.Tasks ?? [],
            newest?.Descriptor?.Input,
            newest?.Descriptor?.Labels ?? [],
            newest?.Manifest?.Metrics ?? new Dictionary<string, double>(),
            [.. versions.Select(ToVersion)]);
    }

    private VersionSummary ToVersion(HostedModel model) =>
        new(model.Key.Version, model.State, model.Reason, model.Digest.Length == 0 ? null : model.Digest, loader.MemoryOf(model));

    private static Dictionary<string, RecipeCard> Recipes(ModelDescriptor descriptor) =>
        descriptor.Recipes.Keys.Union(SgldRecipes.BuiltIn.Keys)
            .Select(name => (Name: name, Recipe: SamplingSpecFactory.FindRecipe(descriptor, name)!))
            .ToDictionary(entry => entry.Name,
                entry => new RecipeCard(entry.Recipe, entry.Recipe.ImpliedTemperatureAt(0, entry.Recipe.Steps)));
}
