using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Api.Tests.Fakes;

/// <summary>Two ready models of continuous variables, three of discrete ones, and a broken one.</summary>
internal sealed class FakeModelCatalog : IModelCatalog, IModelLoader
{
    private readonly List<HostedModel> _models =
    [
        Ready("digits", new InputSchema(InputKind.Image, [1, 4, 4], -1, 1), ["zero", "one", "two"], bufferSize: 100),
        Ready("moons", new InputSchema(InputKind.Vector, [2], -3, 3), []),
        Ready("lattice", new InputSchema(InputKind.Image, [1, 2, 2], 0, 1, VariableKind.Binary), []),
        Ready("ring", new InputSchema(InputKind.Vector, [3, 2], 0, 1, VariableKind.Categorical), []),
        Deep(),
        new() { Key = new("broken", "1"), State = ModelState.Unavailable, Reason = "version.json is missing" },
    ];

    public IReadOnlyList<HostedModel> List() => _models;

    public Outcome<HostedModel> Find(string name, string? version = null)
    {
        HostedModel[] named = [.. _models.Where(model => model.Key.Name == name)];
        if (named.Length == 0)
            return new Failure(FailureCode.ModelNotFound, $"There is no model '{name}'.");
        if (named.FirstOrDefault(model => version is null || model.Key.Version == version) is not { } found)
            return new Failure(FailureCode.VersionNotFound, $"The model '{name}' has no version '{version}'.");
        return found.State == ModelState.Ready
            ? found : new Failure(FailureCode.ModelUnavailable, $"The model '{name}' is unavailable: {found.Reason}.");
    }

    public Outcome<HostedModel> Load(string name, string? version = null) => Find(name, version);

    public Outcome<HostedModel> Unload(string name, string? version = null) => Find(name, version);

    public Outcome<HostedModel> Add(ModelUpload upload) => Find("digits");

    public void TakeChanges()
    {
    }

    public long MemoryOf(HostedModel model) => model.State == ModelState.Ready ? 4096 : 0;

    private static HostedModel Deep()
    {
        HostedModel model = Ready("deep", new InputSchema(InputKind.Vector, [9], 0, 1, VariableKind.Binary), []);
        return model with { Capabilities = model.Capabilities with { Latents = [new("h1", 4, 3), new("h2", 7, 2)], VisibleShape = [1, 2, 2] } };
    }

    private static HostedModel Ready(
        string name, InputSchema input, string[] labels, int bufferSize = 0) => new()
        {
            Key = new(name, "1"),
            State = ModelState.Ready,
            Digest = "sha256:" + new string('a', 64),
            Capabilities = new ModelCapabilities { Variables = input.Variables, Classes = labels.Length },
            BufferSize = bufferSize,
            CalibrationId = labels.Length > 0 ? "calibration-1" : null,
            Descriptor = new ModelDescriptor
            {
                Name = name,
                Title = name + " for tests",
                Architecture = new ModelArchitecture { Kind = "double-well" },
                Input = input,
                Labels = labels,
                Recipes = new Dictionary<string, SgldRecipe> { ["own"] = new() { Steps = 20, StepSize = 0.1, Noise = 0.2 } },
                DefaultRecipe = "own",
            },
            Manifest = new ModelVersionManifest
            {
                Version = "1",
                Files = new Dictionary<string, string>(),
                Metrics = new Dictionary<string, double> { ["accuracy"] = 0.5 },
            },
        };
}
