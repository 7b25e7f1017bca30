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
}
