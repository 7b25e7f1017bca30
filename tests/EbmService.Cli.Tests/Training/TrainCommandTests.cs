using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EbmService.Cli.Tests.Training;

public sealed class TrainCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    [Fact]
    public async Task Train_TwoMoons_WritesAVersionThatTheRepositoryServes()
    {
        string folder = _bed.WriteModel();

        int code = await _bed.RunAsync(_bed.Train(folder));

        Assert.Equal((ExitCode.Ok, ""), (code, _bed.Error));
        var repository = new ModelRepository(
            Options.Create(new ModelsOptions { Path = _bed.PathOf("models") }), NullLogger<ModelRepository>.Instance);
        LoadedModel model = repository.Load(new ModelKey("moons", "1")).OrThrow();
        Assert.Equal(32, model.Hosted.BufferSize);
        Assert.Equal(SafetensorsDtype.F16, model.Buffer!.Dtype);
        Assert.Null(model.BufferLabels);
        Assert.Equal([("approximateMass", 50), ("logDensity", 50), ("typicality", 25)],
            model.Calibration.Scores.Select(score => (score.Key, score.Value.Length)).Order());
        Assert.NotNull(model.Calibration.TypicalityMean);
    }

    // The same text is the member config of a training job.
    [Fact]
    public async Task Train_OtherConfigAndCsv_AreTakenInPlaceOfTheFoldersOwn()
    {
        string folder = _bed.WriteModel();
        string config = _bed.PathOf("score.json"), rows = _bed.PathOf("rows.csv");
        await File.WriteAllTextAsync(
            config, """{"iterations": 4, "seed": 1, "batchSize": 8, "denoising": {"deviation": 0.2}, "pictureEvery": 0}""", TestContext.Current.CancellationToken);
        await File.WriteAllLinesAsync(rows, Enumerable.Range(0, 50).Select(i => $"{i % 7 / 5.0:F1},0.5"), TestContext.Current.CancellationToken);

        int code = await _bed.RunAsync("train", folder, "--data", $"csv:{rows}", "--config", config, "--checkpoint", _bed.PathOf("score.safetensors"));

        Assert.Equal((ExitCode.Ok, ""), (code, _bed.Error));
        // Without chains there is no buffer.
        Assert.Equal(["calibration.safetensors", "version.json", "weights.safetensors"],
            Directory.GetFiles(Path.Combine(folder, "1")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Train_Completed_RecordsWhereTheVersionCameFrom()
    {
        string folder = _bed.WriteModel();

        await _bed.RunAsync(_bed.Train(folder, "--version", "2b"));

        string json = await File.ReadAllTextAsync(Path.Combine(folder, "2b", ModelFiles.Manifest), TestContext.Current.CancellationToken);
        ModelProvenance provenance = JsonSerializer.Deserialize<ModelVersionManifest>(json, EbmJson.Options)!.Provenance!;
        Assert.Equal("ebm train moons --data two-moons --checkpoint checkpoint.safetensors --version 2b", provenance.Command);
        Assert.Equal((7, CliTestBed.Now), (provenance.Seed, provenance.FinishedAt));
        Assert.Contains("two-moons", provenance.Data);
        Assert.Contains("TorchSharp", provenance.Software);
    }

    [Fact]
    public async Task Train_Completed_LeavesLogCurveAndSamplePictures()
    {
        await _bed.RunAsync(_bed.Train(_bed.WriteModel(), "--pictures", _bed.PathOf("pictures")));

        string[] files = [.. Directory.GetFiles(_bed.PathOf("pictures")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        Assert.Equal(["samples-000003.png", "samples-000006.png", "training-curve.png", "training-log.csv"], files);
        string[] log = await File.ReadAllLinesAsync(_bed.PathOf("pictures", "training-log.csv"), TestContext.Current.CancellationToken);
        Assert.Equal(7, log.Length);
        Assert.Equal("iteration,energyData,energySamples,crossEntropy,accuracy,gradientNorm,seconds", log[0]);
        Assert.StartsWith("6,", log[6]);
    }

    [Fact]
    public async Task Train_StoppedAndResumed_EndsWithTheSameBits()
    {
        string whole = _bed.WriteModel("whole"), parts = _bed.WriteModel("parts");
        await _bed.RunAsync("train", whole, "--data", "two-moons", "--checkpoint", _bed.PathOf("a", "c.safetensors"));
        string[] inParts = ["train", parts, "--data", "two-moons", "--checkpoint", _bed.PathOf("b", "c.safetensors")];
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();

        int stopped = await _bed.RunAsync(stop.Token, inParts);
        string firstMessage = _bed.Error;
        int finished = await _bed.RunAsync(inParts);

        Assert.Equal((ExitCode.Cancelled, ExitCode.Ok), (stopped, finished));
        Assert.Contains("stopped at iteration 1", firstMessage);
        Assert.Contains("Resuming from iteration 1 of 6", _bed.Out);
        foreach (string file in new[] { ModelFiles.Weights, ModelFiles.Buffer, ModelFiles.Calibration })
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "1", file)), File.ReadAllBytes(Path.Combine(parts, "1", file)));
        Assert.Equal(7, File.ReadAllLines(_bed.PathOf("b", "training-log.csv")).Length);
    }

    [Fact]
    public async Task Train_Diverged_ExitsWith1AndKeepsTheLastGoodWeights()
    {
        await _bed.RunAsync(_bed.Train(_bed.WriteModel(), "--iterations", "4", "--version", "good"));
        string folder = _bed.WriteModel(recipe: """, "energyBound": 1e-9""");

        int code = await _bed.RunAsync(_bed.Train(folder));

        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("training diverged", _bed.Error);
        Assert.Contains("last good weights (iteration 4) are kept in", _bed.Error);
        Assert.False(Directory.Exists(Path.Combine(folder, "1")));
        // The remedy that the message names works, and gives the weights of the sound run.
        Assert.Equal(ExitCode.Ok, await _bed.RunAsync(_bed.Train(folder, "--iterations", "4")));
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(folder, "good", ModelFiles.Weights), TestContext.Current.CancellationToken),
            await File.ReadAllBytesAsync(Path.Combine(folder, "1", ModelFiles.Weights), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Train_DivergedBeforeACheckpoint_SaysThatNothingIsKept()
    {
        int code = await _bed.RunAsync(_bed.Train(_bed.WriteModel(recipe: """, "energyBound": 1e-9""")));

        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("nothing is kept", _bed.Error);
    }

    [Fact]
    public async Task Train_ExistingVersion_IsRefusedUnlessReplaced()
    {
        string folder = _bed.WriteModel();
        await _bed.RunAsync(_bed.Train(folder));

        int refused = await _bed.RunAsync(_bed.Train(folder));
        string message = _bed.Error;
        int replaced = await _bed.RunAsync(_bed.Train(folder, "--replace", "--restart"));

        Assert.Equal((ExitCode.BadInput, ExitCode.Ok), (refused, replaced));
        Assert.Contains("--replace", message);
        Assert.DoesNotContain("Resuming", _bed.Out);
    }

    [Fact]
    public async Task Train_CheckpointOfAnotherModel_IsRefused()
    {
        await _bed.RunAsync(_bed.Train(_bed.WriteModel()));
        string folder = _bed.WriteModel("other", recipe: """, "slots": 4""");
        await File.WriteAllTextAsync(
            Path.Combine(folder, ModelFiles.Descriptor),
            (await File.ReadAllTextAsync(Path.Combine(folder, ModelFiles.Descriptor), TestContext.Current.CancellationToken)).Replace("[8]", "[9]"),
            TestContext.Current.CancellationToken);

        int code = await _bed.RunAsync(_bed.Train(folder));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("checkpoint can't be used", _bed.Error);
    }

    [Theory]
    [InlineData(", \"learningRate\": 0.1", ExitCode.BadInput)]
    [InlineData(", \"energyBound\": 50", ExitCode.Ok)]
    public async Task Train_CheckpointOfAnotherRecipe_IsRefusedWhereNumbersDiffer(string recipe, int expected)
    {
        await _bed.RunAsync(_bed.Train(_bed.WriteModel(), "--iterations", "4"));
        string folder = _bed.WriteModel(recipe: recipe);

        int code = await _bed.RunAsync(_bed.Train(folder, "--version", "2"));

        Assert.Equal(expected, code);
        Assert.Equal(expected == ExitCode.BadInput, _bed.Error.Contains("--restart", StringComparison.Ordinal));
        Assert.Equal(ExitCode.Ok, await _bed.RunAsync(_bed.Train(folder, "--version", "3", "--restart")));
    }

    [Theory]
    [InlineData(", \"slots\": 3", "multiple of slots")]
    [InlineData(", \"learningRate\": -1", "learningRate")]
    [InlineData(", \"noSuchMember\": 1", "noSuchMember")]
    [InlineData(", \"classification\": {}", "needs a model with classes")]
    public async Task Train_BadRecipe_NamesTheFault(string recipe, string expected)
    {
        int code = await _bed.RunAsync(_bed.Train(_bed.WriteModel(recipe: recipe)));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(TrainingPlan.RecipeFile, _bed.Error);
        Assert.Contains(expected, _bed.Error);
    }

    [Theory]
    [InlineData("nonsense", "is no data source")]
    [InlineData("mnist:/no/such/folder", "ebm data mnist")]
    [InlineData("idx:no-such-file.gz", "no-such-file.gz")]
    public async Task Train_BadData_ExitsWith2AndTheRemedy(string data, string expected)
    {
        int code = await _bed.RunAsync("train", _bed.WriteModel(), "--data", data);

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, _bed.Error);
        Assert.DoesNotContain("   at ", _bed.Error);
    }

    [Fact]
    public async Task Train_MissingFolder_ExitsWith2()
    {
        int code = await _bed.RunAsync(_bed.Train(_bed.PathOf("nowhere")));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("model.json and training.json", _bed.Error);
    }

    public void Dispose() => _bed.Dispose();
}
