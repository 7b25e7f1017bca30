using System.Text.Json.Nodes;

namespace EbmService.Cli.Tests.Tuning;

public sealed class TuneCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    [Fact]
    public async Task Tune_TrainedModel_PrintsEveryCombinationAndChangesNothing()
    {
        string folder = await TrainedAsync();
        string before = Manifest(folder);

        int code = await _bed.RunAsync(Tune(folder));

        Assert.Equal(ExitCode.Ok, code);
        Assert.Contains("blocks of 4, 8, 1 rounds", _bed.Out);
        foreach (string size in new[] { "4", "8" })
            Assert.Matches($@"(?m)^ +{size} +{Environment.ProcessorCount} +[\d,]+ +\[", _bed.Out);
        Assert.Matches(@"Best on cpu in float32: blocks of (4|8), \d+ slots", _bed.Out);
        Assert.Equal(before, Manifest(folder));
    }

    [Fact]
    public async Task Tune_Save_WritesTheBlockSizeAndKeepsDigestAndTheRest()
    {
        string folder = await TrainedAsync();
        JsonObject before = JsonNode.Parse(Manifest(folder))!.AsObject();
        await _bed.RunAsync("models", "list", _bed.PathOf("models"));
        string listed = _bed.Out;

        int code = await _bed.RunAsync([.. Tune(folder), "--save", "--precision", "bfloat16"]);

        Assert.Equal(ExitCode.Ok, code);
        Assert.Contains("none before", _bed.Out);
        JsonObject after = JsonNode.Parse(Manifest(folder))!.AsObject();
        Assert.Contains((int)after["blockSizes"]!["cpu"]!, new[] { 4, 8 });
        before["blockSizes"] = after["blockSizes"]!.DeepClone();
        Assert.True(JsonNode.DeepEquals(before, after));
        await _bed.RunAsync("models", "list", _bed.PathOf("models"));
        Assert.Equal(listed, _bed.Out);
        Assert.Contains("sha256:", listed);
    }

    [Fact]
    public async Task Sample_AfterSave_TakesTheBlockSize()
    {
        string folder = await TrainedAsync();
        await _bed.RunAsync("tune", folder, "--block-sizes", "8", "--rounds", "1", "--seconds", "0.005", "--save");

        await _bed.RunAsync("sample", folder, "--chains", "20", "--seed", "5", "--out", _bed.PathOf("a"));

        Assert.Contains("blocks of 8", _bed.Out);
    }

    [Theory]
    [InlineData("--block-sizes", "8,x", "'x' is none")]
    [InlineData("--block-sizes", "0", "'0' is none")]
    [InlineData("--rounds", "0", "--rounds must be between")]
    [InlineData("--seconds", "0", "--seconds must be between")]
    [InlineData("--version", "9", "has no version '9'")]
    public async Task Tune_BadInput_ExitsWith2AndSaysWhy(string option, string value, string expected)
    {
        string folder = await TrainedAsync();

        int code = await _bed.RunAsync("tune", folder, option, value);

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, _bed.Error);
    }

    private static string[] Tune(string folder) => ["tune", folder, "--block-sizes", "4,8", "--rounds", "1", "--seconds", "0.005"];

    private static string Manifest(string folder) => File.ReadAllText(Path.Combine(folder, "1", "version.json"));

    private async Task<string> TrainedAsync()
    {
        string folder = _bed.WriteModel();
        Assert.Equal(ExitCode.Ok, await _bed.RunAsync(_bed.Train(folder)));
        return folder;
    }

    public void Dispose() => _bed.Dispose();
}
