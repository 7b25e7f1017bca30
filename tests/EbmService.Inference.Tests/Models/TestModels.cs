using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;
using EbmService.Inference.Tests.Architectures;
using TorchSharp;

namespace EbmService.Inference.Tests.Models;

/// <summary>Writes small models into a repository folder.</summary>
internal static class TestModels
{
    public static void Write(string repository, string name, string kind, float[]? calibration = null, string[]? scores = null)
    {
        (ArchitectureSpec architecture, InputSchema input) = EnergyCases.Describe(kind);
        var descriptor = new ModelDescriptor
        {
            Name = name,
            Title = name,
            Architecture = architecture,
            Input = input,
            Labels = [.. "abcdefgh"[..architecture.Family().Capabilities(architecture, input).Classes].Select(label => $"{label}")],
            Recipes = new Dictionary<string, SgldRecipe> { ["test"] = new() { Steps = 10, StepSize = 0.05, Noise = 0.01 } },
            DefaultRecipe = "test",
        };
        string folder = Path.Combine(repository, name);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "model.json"), JsonSerializer.Serialize(descriptor, EbmJson.Indented));

        using DisposeScope scope = TorchSharp.torch.NewDisposeScope();
        using IEnergyModel model = EnergyCases.Create(kind).Model;
        bool trained = EnergyModelFactory.ParameterShapes(architecture, input).Count > 0;
        (IReadOnlyDictionary<string, float[]> Scores, float? TypicalityMean)? fitted = calibration is null
            ? null
            : OodCalibration.Fit((scores ?? OodScorer.Names(model)).ToDictionary(score => score, _ => calibration));
        ModelVersionWriter.Write(folder, "1", new ModelVersionContent
        {
            Weights = trained ? model.Parameters.ToDictionary(pair => pair.Key, pair => pair.Value.ToSafetensors()) : [],
            Module = EnergyCases.Module(EnergyCases.Example(kind)),
            Calibration = fitted?.Scores,
            TypicalityMean = fitted?.TypicalityMean,
        });
    }

    /// <summary>A machine of 10 binary and 8 hidden units with couplings of order one: 1024 states, in several modes.</summary>
    public static void WriteStrongRbm(string repository, string name)
    {
        string folder = Path.Combine(repository, name);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "model.json"), $$"""
            {"name": "{{name}}", "title": "{{name}}", "architecture": {"kind": "rbm", "hidden": 8},
             "input": {"kind": "vector", "shape": [10], "min": 0, "max": 1, "variables": "binary"} }
            """);
        using DisposeScope scope = TorchSharp.torch.NewDisposeScope();
        using var generator = new TorchSharp.torch.Generator(5UL);
        ModelVersionWriter.Write(folder, "1", new ModelVersionContent
        {
            Weights = new Dictionary<string, SafetensorsTensor>
            {
                ["weight"] = TorchSharp.torch.randn([8, 10], generator: generator).div(TorchSharp.torch.tensor(0.8f)).ToSafetensors(),
                ["visible.bias"] = TorchSharp.torch.randn([10], generator: generator).ToSafetensors(),
                ["hidden.bias"] = TorchSharp.torch.randn([8], generator: generator).ToSafetensors(),
            },
        });
    }
}
