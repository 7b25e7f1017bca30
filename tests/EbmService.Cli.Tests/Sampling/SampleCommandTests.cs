using System.Text.Json;

namespace EbmService.Cli.Tests.Sampling;

public sealed class SampleCommandTests : IDisposable
{
    private static readonly string[] AllFiles = ["card.json", "energies.npy", "samples.npy", "samples.png", "trace.json"];
    private readonly CliTestBed _bed = new();

    [Fact]
    public async Task Sample_SameSeed_GivesTheSameBitsAndFilesOfTheService()
    {
        string folder = await TrainedAsync();

        int first = await _bed.RunAsync("sample", folder, "--chains", "20", "--seed", "5", "--out", _bed.PathOf("a"));
        await _bed.RunAsync("sample", folder, "--chains", "20", "--seed", "5", "--out", _bed.PathOf("b"));
        await _bed.RunAsync("sample", folder, "--chains", "20", "--seed", "6", "--out", _bed.PathOf("c"));

        Assert.Equal(ExitCode.Ok, first);
        Assert.Equal(AllFiles, Directory.GetFiles(_bed.PathOf("a")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        foreach (string file in AllFiles)
            Assert.Equal(Read("a", file), Read("b", file));
        Assert.NotEqual(Read("a", "samples.npy"), Read("c", "samples.npy"));
    }

    [Theory]
    [InlineData("--recipe", "nonsense", "There is no recipe 'nonsense'")]
    [InlineData("--steps", "-1", "steps must be at least 1")]
    [InlineData("--label", "3", "label: A label needs classes")]
    [InlineData("--version", "9", "has no version '9'")]
    [InlineData("--labels", "0,x", "'x' is none")]
    [InlineData("--temperatures", "1,", "'' is none")]
    [InlineData("--temperatures", "2,4", "tempering.temperatures must be 2 to 32 ascending factors that begin with 1.")]
    [InlineData("--until-rhat", "1", "stop.untilRHat must be above 1")]
    [InlineData("--kernel", "gibbsWithGradients", "kernel: The kernel gibbsWithGradients needs")]
    [InlineData("--start-from", "no-such-folder.npy", "there is no file")]
    public async Task Sample_BadRequest_ExitsWith2AndSaysWhy(string option, string value, string expected)
    {
        string folder = await TrainedAsync();

        int code = await _bed.RunAsync("sample", folder, option, value, "--out", _bed.PathOf("a"));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, _bed.Error);
        Assert.False(Directory.Exists(_bed.PathOf("a")));
    }

    [Theory]
    [InlineData("""{ "kernel": "malla" }""", "'kernel' must be one of sgld, ula, preconditionedSgld, mala, hmc")]
    [InlineData("""{ "hmc": { "leapfrogStep": 3 } }""", "there is no member 'leapfrogStep' in 'hmc'")]
    [InlineData("""{ "step": 3 }""", "there is no member 'step'")]
    [InlineData("""{ "steps": "many" }""", "'steps' has a value of the wrong kind")]
    [InlineData("""[1]""", "holds no JSON object")]
    [InlineData("""{ "steps" """, "line 1")]
    [InlineData("""{ "kernel": "hmc", "hmc": { "leapfrogSteps": 0 } }""", "hmc.leapfrogSteps must be between 1 and 1000")]
    [InlineData("""{ "noise": 1, "temperature": 1 }""", "noise and temperature exclude each other")]
    public async Task Sample_BadSpecFile_SaysWhichMember(string json, string expected)
    {
        string folder = await TrainedAsync();
        File.WriteAllText(_bed.PathOf("spec.json"), json);

        int code = await _bed.RunAsync("sample", folder, "--spec", _bed.PathOf("spec.json"), "--out", _bed.PathOf("a"));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, _bed.Error);
    }

    [Fact]
    public async Task Sample_SpecFileWithOptions_OptionsGoOverTheFile()
    {
        string folder = await TrainedAsync();
        File.WriteAllText(_bed.PathOf("spec.json"), """
            { "steps": 12, "chains": 5, "seed": 3, "noise": 0.3, "schedule": { "kind": "cosine", "end": 0.5 }, "stop": { "deadlineSeconds": 900 }, "label": null }
            """);

        Assert.Equal(ExitCode.Ok, await _bed.RunAsync(
            "sample", folder, "--spec", _bed.PathOf("spec.json"), "--temperature", "0.5", "--steps", "80", "--thin", "2", "--until-ess", "1e6", "--check-every", "60", "--out", _bed.PathOf("a")));

        JsonElement spec = Card("a").GetProperty("spec");
        Assert.Equal((80, 5, 3, 0.5), (spec.GetProperty("steps").GetInt32(), spec.GetProperty("chains").GetInt32(), spec.GetProperty("seed").GetInt32(), spec.GetProperty("temperature").GetDouble()));
        Assert.Equal(JsonValueKind.Null, spec.GetProperty("noise").ValueKind);
        Assert.Equal("cosine", spec.GetProperty("schedule").GetProperty("kind").GetString());
        Assert.Equal((900, 1e6), (spec.GetProperty("stop").GetProperty("deadlineSeconds").GetDouble(), spec.GetProperty("stop").GetProperty("untilEss").GetDouble()));
        Assert.True(File.Exists(_bed.PathOf("a", "trajectory.npy")));
    }

    [Fact]
    public async Task Sample_CardAsSpec_DrawsTheSameSamplesAgain()
    {
        string folder = await TrainedAsync();
        await _bed.RunAsync("sample", folder, "--chains", "20", "--steps", "30", "--seed", "5", "--temperature", "2", "--out", _bed.PathOf("a"));

        Assert.Equal(ExitCode.Ok, await _bed.RunAsync("sample", folder, "--spec", _bed.PathOf("a", "card.json"), "--out", _bed.PathOf("b")));

        Assert.Equal(Read("a", "samples.npy"), Read("b", "samples.npy"));
        Assert.Equal(Read("a", "card.json"), Read("b", "card.json"));
    }

    [Fact]
    public async Task Sample_UntilEss_StopsAtACheckWithTheBitsOfSoManySteps()
    {
        string folder = CliTestBed.Bundled("two-moons");

        Assert.Equal(ExitCode.Ok, await _bed.RunAsync(
            "sample", folder, "--kernel", "hmc", "--warmup", "40", "--chains", "16", "--steps", "3000", "--seed", "5", "--until-ess", "100", "--check-every", "20", "--out", _bed.PathOf("a")));

        JsonElement card = Card("a");
        int steps = card.GetProperty("stepsMin").GetInt32();
        Assert.Equal("untilEss", card.GetProperty("stopped").GetString());
        Assert.Equal((0, steps), (steps % 20, card.GetProperty("stepsMax").GetInt32()));
        // 50 draws after the warm-up are the fewest that a rule is judged on.
        Assert.InRange(steps, 100, 2980);
        Assert.Contains("(untilEss)", _bed.Out);
        Assert.True(card.GetProperty("diagnostics").GetProperty("essBulk").GetDouble() >= 100);

        await _bed.RunAsync("sample", folder, "--kernel", "hmc", "--warmup", "40", "--chains", "16", "--steps", $"{steps}", "--seed", "5", "--out", _bed.PathOf("b"));
        Assert.Equal(Read("a", "samples.npy"), Read("b", "samples.npy"));
    }

    [Fact]
    public async Task Sample_StartFromAnEarlierResult_BeginsThereAndNamesItByDigest()
    {
        string folder = await TrainedAsync();
        await _bed.RunAsync("sample", folder, "--chains", "4", "--seed", "5", "--out", _bed.PathOf("a"));

        Assert.Equal(ExitCode.Ok, await _bed.RunAsync(
            "sample", folder, "--chains", "4", "--steps", "1", "--step-size", "1e-12", "--temperature", "0", "--start-from", _bed.PathOf("a"), "--out", _bed.PathOf("b")));
        Assert.Equal(ExitCode.Ok, await _bed.RunAsync(
            "sample", folder, "--chains", "4", "--steps", "1", "--step-size", "1e-12", "--temperature", "0", "--start-from", _bed.PathOf("a", "samples.npy"), "--out", _bed.PathOf("c")));

        Assert.Equal(Read("a", "samples.npy"), Read("b", "samples.npy"));
        Assert.Equal(Read("a", "samples.npy"), Read("c", "samples.npy"));
        Assert.Equal(Card("a").GetProperty("samplesSha256").GetString(), Card("b").GetProperty("spec").GetProperty("startJob").GetProperty("sha256").GetString());
    }

    [Fact]
    public async Task Sample_StartFromSamplesOfAnotherShape_ExitsWith2AndSaysWhy()
    {
        string folder = await TrainedAsync();
        await _bed.RunAsync("sample", CliTestBed.Bundled("ising-lattice"), "--chains", "4", "--steps", "1", "--out", _bed.PathOf("a"));

        int code = await _bed.RunAsync("sample", folder, "--start-from", _bed.PathOf("a"), "--out", _bed.PathOf("b"));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("startJob", _bed.Error);
        Assert.Contains("has the shape [4, ", _bed.Error);
    }

    [Fact]
    public async Task Sample_AllChainsDiverge_ExitsWith1AndSaysWhy()
    {
        string folder = await TrainedAsync();
        File.WriteAllText(_bed.PathOf("spec.json"), """{ "chains": 4, "steps": 200, "seed": 1, "stepSize": 1e38, "temperature": 1e38, "stateClamp": { "kind": "none" } }""");

        int code = await _bed.RunAsync("sample", folder, "--spec", _bed.PathOf("spec.json"), "--out", _bed.PathOf("a"));

        Assert.Equal(ExitCode.Failed, code);
        Assert.Contains("left the finite numbers", _bed.Error);
    }

    [Fact]
    public async Task Sample_Cancelled_ExitsWith130()
    {
        string folder = await TrainedAsync();
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();

        int code = await _bed.RunAsync(stop.Token, "sample", folder, "--out", _bed.PathOf("a"));

        Assert.Equal(ExitCode.Cancelled, code);
    }

    private async Task<string> TrainedAsync()
    {
        string folder = _bed.WriteModel();
        Assert.Equal(ExitCode.Ok, await _bed.RunAsync(_bed.Train(folder)));
        return folder;
    }

    private JsonElement Card(string folder) => JsonSerializer.Deserialize<JsonElement>(Read(folder, "card.json"));

    private byte[] Read(string folder, string file) => File.ReadAllBytes(_bed.PathOf(folder, file));

    public void Dispose() => _bed.Dispose();
}
