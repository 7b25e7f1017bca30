using EbmService.Core.Models;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EbmService.Cli.Tests.Training;

public sealed class CalibrateCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    [Fact]
    public async Task Calibrate_TrainedVersion_GivesTheSameFileAsTraining()
    {
        string folder = _bed.WriteModel();
        await _bed.RunAsync(_bed.Train(folder));
        byte[] trained = await ReadAsync(folder);
        HostedModel before = Load().Hosted;
        // A version of before typicality had rows of its own.
        ModelVersionWriter.ReplaceCalibration(
            Path.Combine(folder, "1"), before.Manifest!, new CalibrationContent(new Dictionary<string, float[]> { ["logDensity"] = [1, 2] }, null));
        Assert.Null(Load().Calibration.TypicalityMean);

        int code = await _bed.RunAsync("calibrate", folder, "--data", "two-moons");

        Assert.Equal((ExitCode.Ok, ""), (code, _bed.Error));
        Assert.Contains("Calibrated moons/1 on 50 rows", _bed.Out, StringComparison.Ordinal);
        Assert.Equal(trained, await ReadAsync(folder));
        Assert.Equal(before.Digest, Load().Hosted.Digest);
        Assert.Equal(25, Load().Calibration.Scores["typicality"].Length);
    }

    [Fact]
    public async Task Calibrate_VersionTrainedElsewhere_ScoresEveryRow()
    {
        string folder = _bed.WriteModel();
        await _bed.RunAsync(_bed.Train(folder));
        File.Delete(Path.Combine(folder, TrainingPlan.RecipeFile));

        int code = await _bed.RunAsync("calibrate", folder, "--data", "two-moons");

        Assert.Equal((ExitCode.Ok, ""), (code, _bed.Error));
        int[] counts = [.. Load().Calibration.Scores.Where(score => score.Key != "typicality").Select(score => score.Value.Length).Distinct()];
        Assert.Contains($"Calibrated moons/1 on {Assert.Single(counts)} rows", _bed.Out, StringComparison.Ordinal);
        Assert.True(counts[0] > 50);
    }

    private static Task<byte[]> ReadAsync(string folder) =>
        File.ReadAllBytesAsync(Path.Combine(folder, "1", ModelFiles.Calibration), TestContext.Current.CancellationToken);

    private LoadedModel Load() => new ModelRepository(
        Options.Create(new ModelsOptions { Path = _bed.PathOf("models") }), NullLogger<ModelRepository>.Instance).Load(new ModelKey("moons", "1")).OrThrow();

    public void Dispose() => _bed.Dispose();
}
