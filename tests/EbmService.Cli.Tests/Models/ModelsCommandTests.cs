using EbmService.Inference.Models;

namespace EbmService.Cli.Tests.Models;

public sealed class ModelsCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    [Fact]
    public async Task Verify_DamagedWeights_ExitsWith1AndNamesTheFile()
    {
        string folder = _bed.WriteModel();
        await _bed.RunAsync(_bed.Train(folder));
        int sound = await _bed.RunAsync("models", "verify", _bed.PathOf("models"));
        Assert.Contains("moons/1  ready", _bed.Out);
        string weights = Path.Combine(folder, "1", ModelFiles.Weights);
        byte[] bytes = await File.ReadAllBytesAsync(weights, TestContext.Current.CancellationToken);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(weights, bytes, TestContext.Current.CancellationToken);

        int damaged = await _bed.RunAsync("models", "verify", _bed.PathOf("models"));

        Assert.Equal((ExitCode.Ok, ExitCode.Failed), (sound, damaged));
        Assert.Contains(ModelFiles.Weights, _bed.Out);
    }

    public void Dispose() => _bed.Dispose();
}
