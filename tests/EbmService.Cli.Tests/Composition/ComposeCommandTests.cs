using System.Text.Json.Nodes;
using EbmService.Core.Tensors;
using EbmService.Inference.Models;

namespace EbmService.Cli.Tests.Composition;

public sealed class ComposeCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public async Task Compose_OneModelTwice_GivesAModelWithItsSummedEnergies()
    {
        string moons = CliTestBed.Bundled("two-moons"), both = _bed.PathOf("models", "both");

        int code = await _bed.RunAsync("compose", both, "--term", moons, "--term", moons + ":weight=-0.25", "--title", "Three quarters");

        Assert.True(code == ExitCode.Ok, _bed.Error);
        Assert.Contains("E(x) = 1 E[two-moons](x) - 0.25 E[two-moons](x)", _bed.Out);
        JsonNode descriptor = JsonNode.Parse(File.ReadAllText(Path.Combine(both, ModelFiles.Descriptor)))!;
        Assert.Equal(("both", "Three quarters", "composed"), ((string?)descriptor["name"], (string?)descriptor["title"], (string?)descriptor["architecture"]!["kind"]));
        float[] whole = await EnergiesAsync(moons, "one"), composed = await EnergiesAsync(both, "two");
        Assert.All(whole.Zip(composed), pair => Assert.Equal(0.75 * pair.First, pair.Second, 1e-5));
    }

    [Theory]
    [InlineData(":label=1", "label")]
    [InlineData(":weight=0", "weight")]
    [InlineData(":weight=much", "none of weight=NUMBER")]
    [InlineData(":version=9", "9")]
    public async Task Compose_BadTerm_ExitsWith2SaysWhyAndWritesNothing(string settings, string expected)
    {
        string target = _bed.PathOf("models", "both");

        int code = await _bed.RunAsync("compose", target, "--term", CliTestBed.Bundled("two-moons") + settings);

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, _bed.Error);
        Assert.False(Directory.Exists(target));
    }

    [Fact]
    public async Task Compose_IntoAFolderWithAModel_LeavesItAsItIs()
    {
        string folder = _bed.WriteModel("moons"), descriptor = Path.Combine(folder, ModelFiles.Descriptor), before = File.ReadAllText(descriptor);

        int code = await _bed.RunAsync("compose", folder, "--term", CliTestBed.Bundled("two-moons"));

        Assert.NotEqual(ExitCode.Ok, code);
        Assert.Contains("there is a model in", _bed.Error);
        Assert.Equal(before, File.ReadAllText(descriptor));
    }

    private async Task<float[]> EnergiesAsync(string model, string name)
    {
        File.WriteAllText(_bed.PathOf("points.csv"), "0,0\n1,1\n0.5,0.2\n");
        int code = await _bed.RunAsync(
            "run", "scoring", model, "--set", "dataset=points", "--dataset", "points=" + _bed.PathOf("points.csv"), "--out", _bed.PathOf(name));
        Assert.True(code == ExitCode.Ok, _bed.Error);
        return NpyFormat.Read(File.ReadAllBytes(_bed.PathOf(name, "energy.npy"))).Values;
    }
}
