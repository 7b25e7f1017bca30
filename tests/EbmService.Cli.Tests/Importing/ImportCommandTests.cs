using EbmService.Inference.Models;

namespace EbmService.Cli.Tests.Importing;

public sealed class ImportCommandTests : IDisposable
{
    private const string Descriptor = """
        {
          "name": "igebm", "title": "Test",
          "architecture": {
            "kind": "igebm", "channels": 8,
            "blocks": [{ "channels": 8, "halve": true }, { "channels": 8 }, { "channels": 12, "halve": true }, { "channels": 12 }]
          },
          "input": { "kind": "image", "shape": [3, 16, 16], "min": 0, "max": 1 }
        }
        """;

    private readonly CliTestBed _sut = new();

    private string Folder => _sut.PathOf("models", "igebm");

    [Fact]
    public async Task Import_CheckpointWithCheck_WritesAVersionThatIsReady()
    {
        int code = await ImportAsync("--check", Fixture("igebm-inputs.npy"), Fixture("igebm-energies.npy"));

        Assert.True(code == 0, _sut.Error);
        Assert.Contains("mapped: 22 parameters", _sut.Out);
        Assert.Contains("folded: blocks.0.conv2.weight (spectral norm, bounded)", _sut.Out);
        Assert.Contains("checked: the largest relative difference of 3 outputs is", _sut.Out);
        Assert.Equal(0, await _sut.RunAsync("models", "verify", _sut.PathOf("models")));
        Assert.Contains("igebm/1  ready", _sut.Out);
    }

    [Fact]
    public async Task Import_CheckThatFails_WritesNothing()
    {
        int code = await ImportAsync("--check", Fixture("igebm-inputs.npy"), Fixture("igebm-energies.npy"), "--tolerance", "1e-12");

        Assert.Equal(1, code);
        Assert.Contains("the check failed and nothing was written", _sut.Error);
        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public async Task Import_SecondTime_NeedsReplace()
    {
        Assert.Equal(0, await ImportAsync());

        Assert.Equal(2, await ImportAsync());
        Assert.Contains("--replace", _sut.Error);
        Assert.Equal(0, await ImportAsync("--replace"));
        Assert.Equal(0, await _sut.RunAsync("import", Fixture("igebm.pt"), Folder, "--source", "igebm-pytorch", "--version", "2"));
        Assert.True(File.Exists(Path.Combine(Folder, "2", ModelFiles.Weights)));
    }

    [Theory]
    [InlineData("jem.pt", "left over: class_output.bias [10]")]
    [InlineData("refused-module.pt", "'torch.nn.modules.linear.Linear'")]
    [InlineData("refused-torchscript.pt", "TorchScript")]
    [InlineData("igebm-inputs.npy", "the checkpoint can't be used")]
    public async Task Import_OtherFiles_AreRefusedWithAReason(string file, string reason)
    {
        int code = await RunAsync(Fixture(file));

        Assert.Equal(2, code);
        Assert.Contains(reason, _sut.Error);
        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public async Task Import_WithoutDescriptor_SaysWhatIsMissing()
    {
        int code = await _sut.RunAsync("import", Fixture("igebm.pt"), Folder, "--source", "igebm-pytorch");

        Assert.Equal(2, code);
        Assert.Contains("--descriptor", _sut.Error);
    }

    private Task<int> ImportAsync(params string[] more) => RunAsync(Fixture("igebm.pt"), more);

    private Task<int> RunAsync(string checkpoint, params string[] more)
    {
        File.WriteAllText(_sut.PathOf("descriptor.json"), Descriptor);
        return _sut.RunAsync(["import", checkpoint, Folder, "--source", "igebm-pytorch", "--descriptor", _sut.PathOf("descriptor.json"),
            .. more]);
    }

    private static string Fixture(string name) =>
        Path.Combine(CliTestBed.Bundled(""), "..", "..", "tests", "fixtures", "pytorch", name);

    public void Dispose() => _sut.Dispose();
}
