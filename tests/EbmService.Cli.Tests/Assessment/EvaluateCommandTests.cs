using System.Text.Json;
using EbmService.Cli.Assessment;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Assessment;
using EbmService.Inference.Models;

namespace EbmService.Cli.Tests.Assessment;

public sealed class EvaluateCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    [Fact]
    public async Task Evaluate_TwoMoons_MeasuresAndUpdatesTheCard()
    {
        string folder = _bed.WriteModel();
        await _bed.RunAsync(_bed.Train(folder));

        int code = await _bed.RunAsync("evaluate", folder, "--data", "two-moons", "--out", _bed.PathOf("report"), "--update-card");

        Assert.Equal((ExitCode.Ok, ""), (code, _bed.Error));
        var report = Parse<AssessmentReport>(_bed.PathOf("report", "evaluation.json"));
        Assert.Equal([10, 50], report.VectorSamples.Select(samples => samples.Steps));
        Assert.All(report.VectorSamples, samples => Assert.InRange(samples.NearMoons!.Value, 0, 1));
        Assert.InRange(report.VectorSamples[0].NearMoonsOfData!.Value, 0.98, 1);
        Assert.InRange(report.VectorSamples[0].EnergyDistanceOfData, -0.02, 0.02);
        Assert.Contains(report.OutOfDistribution, ood => ood is { Set: "uniform noise", Score: "typicality" });
        foreach (string picture in new[] { "energy.png", "data.png", "samples-10.png", "samples-50.png" })
            Assert.True(File.Exists(_bed.PathOf("report", picture)) && File.Exists(Path.Combine(folder, "pictures", picture)), picture);
        var manifest = Parse<ModelVersionManifest>(Path.Combine(folder, "1", ModelFiles.Manifest));
        Assert.Contains("auroc.uniformNoise.logDensity", manifest.Metrics.Keys);
        Assert.Contains("samples.10.energyDistance", manifest.Metrics.Keys);
        Assert.NotNull(manifest.Provenance);
        Assert.Contains("ebm evaluate moons --data two-moons", await File.ReadAllTextAsync(Path.Combine(folder, "README.md"), TestContext.Current.CancellationToken));
        Assert.Equal(ExitCode.Ok, await _bed.RunAsync("models", "verify", _bed.PathOf("models")));
    }

    [Fact]
    public async Task Evaluate_ComparePrecision_MeasuresEnergiesAndChainsInBoth()
    {
        string folder = _bed.WriteModel();
        await _bed.RunAsync(_bed.Train(folder));

        int code = await _bed.RunAsync("evaluate", folder, "--data", "two-moons", "--out", _bed.PathOf("report"), "--quick", "--compare-precision");

        Assert.Equal((ExitCode.Ok, ""), (code, _bed.Error));
        var report = Parse<PrecisionReport>(_bed.PathOf("report", "precision.json"));
        Assert.Equal(500, report.Energies.Inputs);
        // bfloat16 has 8 bits of mantissa: it differs, and not by much.
        Assert.InRange(report.Energies.MeanAbsolute, 1e-7, 0.2);
        Assert.InRange(report.Energies.Correlation, 0.9, 0.9999999999);
        Assert.Equal(["Float32", "Bfloat16", "Float32", "Bfloat16"], report.Chains.Select(chains => chains.Precision.ToString()));
        Assert.NotEqual(report.Chains[0].EnergyMean, report.Chains[1].EnergyMean);
        Assert.Equal(ExitCode.BadInput, await _bed.RunAsync("evaluate", folder, "--data", "two-moons", "--compare-precision", "--update-card"));
    }

    [Fact]
    public async Task Evaluate_QuickFigures_AreKeptOffTheCard()
    {
        int code = await _bed.RunAsync("evaluate", _bed.WriteModel(), "--data", "two-moons", "--quick", "--update-card");

        Assert.Equal(ExitCode.BadInput, code);
    }

    [Fact]
    public async Task Evaluate_ModelWithoutVersions_ExitsWith2()
    {
        int code = await _bed.RunAsync("evaluate", _bed.WriteModel(), "--data", "two-moons");

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("no versions", _bed.Error);
    }

    [Fact]
    public void Replace_Markers_KeepsTheTextAroundThem()
    {
        string once = ModelCardFile.Replace("# Title\n\nIntro.\n", "first");
        string twice = ModelCardFile.Replace(once + "\n## After\n", "second");

        Assert.Equal("# Title\n\nIntro.\n\n<!-- metrics:begin -->\nfirst\n<!-- metrics:end -->\n", once);
        Assert.Equal("# Title\n\nIntro.\n\n<!-- metrics:begin -->\nsecond\n<!-- metrics:end -->\n\n## After\n", twice);
    }

    private static T Parse<T>(string path) => JsonSerializer.Deserialize<T>(File.ReadAllText(path), EbmJson.Options)!;

    public void Dispose() => _bed.Dispose();
}
