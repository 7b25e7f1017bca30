using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Api.Tests.WholeService;

/// <summary>A temporary model repository of closed formulas, and a data folder beside it.</summary>
internal sealed class ServiceFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ebm-api-").FullName;

    internal ServiceFolder()
    {
        Write("bowl", new InputSchema(InputKind.Vector, [2], -3, 3), """{"kind": "gaussian", "mean": [0, 0], "precision": [[1, 0], [0, 1]]}""");
        Write("wells", new InputSchema(InputKind.Vector, [2], -3, 3), """{"kind": "double-well"}""");
        Directory.CreateDirectory(Path.Combine(Models, "damaged", "1"));
        File.WriteAllText(Path.Combine(Models, "damaged", "1", "version.json"), "{");
    }

    internal string Models => Path.Combine(_root, "models");

    internal string Data => Path.Combine(_root, "data");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private void Write(string name, InputSchema input, string architecture)
    {
        var descriptor = new ModelDescriptor
        {
            Name = name,
            Title = name,
            Architecture = JsonSerializer.Deserialize<ModelArchitecture>(architecture, EbmJson.Options)!,
            Input = input,
            Recipes = new Dictionary<string, SgldRecipe> { ["own"] = new() { Steps = 50, StepSize = 0.05, Temperature = 1 } },
            DefaultRecipe = "own",
        };
        string folder = Directory.CreateDirectory(Path.Combine(Models, name)).FullName;
        File.WriteAllText(Path.Combine(folder, "model.json"), JsonSerializer.Serialize(descriptor, EbmJson.Indented));
        AddVersion(name, "1");
    }

    /// <summary>Closed formulas have no files but the manifest.</summary>
    internal void AddVersion(string name, string version)
    {
        string folder = Directory.CreateDirectory(Path.Combine(Models, name, version)).FullName;
        var manifest = new ModelVersionManifest { Version = version, Files = new Dictionary<string, string>() };
        File.WriteAllText(Path.Combine(folder, "version.json"), JsonSerializer.Serialize(manifest, EbmJson.Indented));
    }
}
