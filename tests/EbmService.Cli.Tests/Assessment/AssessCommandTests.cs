using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Models;

namespace EbmService.Cli.Tests.Assessment;

public sealed class AssessCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public async Task Assess_LongRun_WritesReportPicturesAndTheCard()
    {
        string folder = Copy("two-moons");

        int code = await _bed.RunAsync(
            "assess", folder, "--long-run", "--data", "two-moons", "--steps", "240", "--chains", "16", "--out", _bed.PathOf("out"), "--update-card");

        Assert.Equal((ExitCode.Ok, ""), (code, _bed.Error));
        JsonObject report = JsonNode.Parse(await File.ReadAllTextAsync(_bed.PathOf("out", "long-run.json"), TestContext.Current.CancellationToken))!.AsObject();
        JsonArray draws = report["draws"]!.AsArray();
        Assert.Equal(60, draws.Count);
        // Chains begin all over the plane, above the data, and come down to it.
        Assert.True((double)draws[0]!["energyMean"]! > (double)draws[59]!["energyMean"]! + 0.5);
        Assert.InRange((double)draws[59]!["energyMean"]!, (double)report["dataEnergies"]!["low"]!, (double)report["dataEnergies"]!["high"]!);
        Assert.True(File.Exists(_bed.PathOf("out", "long-run.png")));
        string json = await File.ReadAllTextAsync(Path.Combine(folder, "1", ModelFiles.Manifest), TestContext.Current.CancellationToken);
        ModelVersionManifest manifest = JsonSerializer.Deserialize<ModelVersionManifest>(json, EbmJson.Options)!;
        StepRange range = Assert.Single(manifest.ValidSteps).Value;
        Assert.Equal(((int)report["valid"]!["from"]!, 240, 240), (range.From, range.To, range.Tested));
        Assert.NotEmpty(manifest.Metrics);
        string card = await File.ReadAllTextAsync(Path.Combine(folder, "README.md"), TestContext.Current.CancellationToken);
        Assert.Contains($"Steps {range.From} to 240", card, StringComparison.Ordinal);
        Assert.Contains("<!-- metrics:begin -->", card, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("say what to assess")]
    [InlineData("at least 2 --chains", "--long-run", "--chains", "1")]
    [InlineData("does not fit", "--long-run", "--data", "png")]
    public async Task Assess_WhatCantBeDone_ExitsWith2(string part, params string[] more)
    {
        string folder = Copy("two-moons");
        string rows = _bed.PathOf("rows.csv");
        await File.WriteAllTextAsync(rows, "1,2,3\n", TestContext.Current.CancellationToken);
        string[] args = [.. more.Select(arg => arg == "png" ? $"csv:{rows}" : arg)];

        int code = await _bed.RunAsync(["assess", folder, .. args.Contains("--data") ? [] : new[] { "--data", "two-moons" }, .. args]);

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(part == "does not fit" ? "3 columns" : part, _bed.Error, StringComparison.Ordinal);
    }

    private string Copy(string model)
    {
        string from = CliTestBed.Bundled(model), to = _bed.PathOf("models", model);
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        return to;
    }
}
