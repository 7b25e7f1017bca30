using System.Text.Json.Nodes;
using EbmService.Core.Tensors;

namespace EbmService.Cli.Tests.Running;

public sealed class RunCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public async Task Run_DatasetAndSettings_WriteTheFilesOfTheService()
    {
        File.WriteAllText(_bed.PathOf("points.csv"), "0,0\n1,1\n0.5,0.2\n");
        File.WriteAllText(_bed.PathOf("spec.json"), """{"spec": {"dataset": "wrong", "outputs": ["energy", "approximateMass"]}}""");

        int code = await _bed.RunAsync(
            "run", "scoring", CliTestBed.Bundled("two-moons"), "--spec", _bed.PathOf("spec.json"), "--set", "dataset=points", "--set", "offset=1",
            "--dataset", "points=" + _bed.PathOf("points.csv"), "--out", _bed.PathOf("scores"));

        Assert.True(code == ExitCode.Ok, _bed.Error);
        Assert.Equal(["approximateMass.npy", "card.json", "energies.png", "energy.npy", "summary.json"],
            Directory.GetFiles(_bed.PathOf("scores")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        Assert.Equal([2], NpyFormat.Read(File.ReadAllBytes(_bed.PathOf("scores/energy.npy"))).Shape);
        JsonNode card = JsonNode.Parse(File.ReadAllText(_bed.PathOf("scores/card.json")))!;
        Assert.Equal(("points", 1), ((string?)card["spec"]!["dataset"], (int)card["spec"]!["offset"]!));
    }

    [Theory]
    [InlineData("nothing", "{}", "there is no job type 'nothing'")]
    [InlineData("training", "{}", "ebm train")]
    [InlineData("scoring", """{"outputt": []}""", "there is no member 'outputt'")]
    [InlineData("scoring", """{"dataset": "none"}""", "There is no dataset 'none'")]
    [InlineData("scoring", "no-such-file.json", "there is no file")]
    public async Task Run_BadRequest_ExitsWith2AndSaysWhy(string type, string spec, string expected)
    {
        int code = await _bed.RunAsync("run", type, CliTestBed.Bundled("two-moons"), "--spec", spec, "--out", _bed.PathOf("out"));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, _bed.Error);
        Assert.False(Directory.Exists(_bed.PathOf("out")));
    }

    [Theory]
    [InlineData("points", "--dataset takes NAME=ROWS")]
    [InlineData("../x=spec.csv", "Must be 1 to 64 letters")]
    public async Task Run_BadDataset_ExitsWith2AndSaysWhy(string dataset, string expected)
    {
        File.WriteAllText(_bed.PathOf("spec.csv"), "1,2\n");

        int code = await _bed.RunAsync("run", "scoring", CliTestBed.Bundled("two-moons"), "--dataset", dataset.Replace("spec.csv", _bed.PathOf("spec.csv"), StringComparison.Ordinal));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, _bed.Error);
    }
}
