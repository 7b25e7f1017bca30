using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Formats;
using EbmService.Inference.JobTypes;
using EbmService.Inference.Models;
using Microsoft.Extensions.Options;

namespace EbmService.Inference.Composition;

/// <summary>Makes composed models of what is hosted, and puts them into service through the way that uploads take.</summary>
internal sealed class ModelComposer(
    ModelRepository repository, IModelCatalog catalog, IModelLoader loader, IOptions<ModelsOptions> options, TimeProvider clock) : IModelComposer
{
    private readonly Lock _one = new();

    public Outcome<HostedModel> Compose(CompositionRequest request)
    {
        if (!options.Value.AllowComposition)
        {
            return new Failure(FailureCode.NotAllowed, "This server makes no composed models.",
                "The operator sets Models:AllowComposition to true, or makes the version by ebm compose.");
        }
        // Its terms are in the descriptor, which all versions of a model share.
        if (catalog.List().Any(model => model.Key.Name == request.Name && model.Key.Version != request.Version))
            return Failure.OfFields([new FieldError("name", $"There is a model '{request.Name}', whose terms can't change: choose a new name.")]);
        // What the terms hold is in managed memory meanwhile.
        lock (_one)
        {
            Outcome<ComposedVersion> made = Create(request, (name, version) => catalog.Find(name, version), repository.Load);
            if (!made.Succeeded)
                return made.Failure;
            Outcome<HostedModel> added = loader.Add(Upload(request, made.Value));
            return added.Failure is { Code: FailureCode.InvalidRequest } refused ? Renamed(refused) : added;
        }
    }

    /// <summary>Reads the terms' versions and makes one of them.</summary>
    /// <param name="find">The newest ready version of a model, or the named one.</param>
    internal static Outcome<ComposedVersion> Create(
        CompositionRequest request, Func<string, string?, Outcome<HostedModel>> find, Func<HostedModel, Outcome<LoadedModel>> load)
    {
        List<FieldError> faults = [.. CompositionRules.Faults(request)];
        if (request.Terms.Count is < 1 or > CompositionRequest.MaxTerms || request.Terms.Any(term => term is null))
            return Failure.OfFields(faults);
        Outcome<HostedModel>[] found = [.. request.Terms.Select(term => find(term.Model, term.Version))];
        faults.AddRange(found.Index().Where(term => !term.Item.Succeeded).Select(term => Unfound(term.Index, term.Item.Failure!)));
        HostedModel[] hosted = [.. found.Where(term => term.Succeeded).Select(term => term.Value!)];
        if (hosted.Length == found.Length)
            faults.AddRange(CompositionRules.Faults(request, hosted));
        if (faults.Count > 0)
            return Failure.OfFields(faults);
        // Of one digest both are one: in a folder of models names are unique, in two folders they need not be.
        var loaded = new Dictionary<(ModelKey, string), LoadedModel>();
        foreach (HostedModel each in hosted)
        {
            if (loaded.ContainsKey((each.Key, each.Digest)))
                continue;
            Outcome<LoadedModel> model = load(each);
            if (!model.Succeeded)
                return model.Failure;
            loaded[(each.Key, each.Digest)] = model.Value;
        }
        return ComposedVersion.Create(request, [.. hosted.Select(each => loaded[(each.Key, each.Digest)])]);
    }

    private static FieldError Unfound(int term, Failure failure) => new(
        failure.Code == FailureCode.VersionNotFound ? $"terms[{term}].version" : $"terms[{term}].model", $"{failure.Message} {failure.Remedy}".Trim());

    /// <summary>A refused upload speaks of its parts.</summary>
    private static Failure Renamed(Failure refused) => Failure.OfFields(
    [
        .. refused.Fields.Select(field => field.Field switch
        {
            "model" => field with { Field = "name" },
            "descriptor" or "files" => field with { Field = "terms" },
            _ => field,
        }),
    ]);

    private ModelUpload Upload(CompositionRequest request, ComposedVersion made) => new(
        new ModelKey(request.Name, request.Version), JsonSerializer.SerializeToUtf8Bytes(made.Descriptor, EbmJson.Indented),
        // A bare null beside bytes would convert to an empty part, not to none.
        made.Weights.Count > 0 ? new ReadOnlyMemory<byte>(SafetensorsFile.Write(made.Weights)) : default(ReadOnlyMemory<byte>?), null, null)
    {
        Provenance = new ModelProvenance
        {
            Command = "POST /v1/models", Data = made.Data, Seed = 0, Seconds = 0,
            FinishedAt = DateTimeOffset.FromUnixTimeSeconds(clock.GetUtcNow().ToUnixTimeSeconds()), Software = ServiceSoftware.Text,
        },
    };
}
