using System.Buffers.Binary;

namespace EbmService.Cli.Tests.Plots;

public sealed class FiltersCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    [Theory]
    [InlineData("9", 3 * (56 + 2) + 2)]
    [InlineData("1", 56 + 2 + 2)]
    public async Task Filters_MachineOfImages_DrawsAGridOfItsFirstUnits(string count, int width)
    {
        int code = await _bed.RunAsync("filters", CliTestBed.Bundled("mnist-rbm"), "--count", count, "--out", _bed.PathOf("new", "filters.png"));

        Assert.True(code == ExitCode.Ok, _bed.Error);
        Assert.Equal(width, BinaryPrimitives.ReadInt32BigEndian(File.ReadAllBytes(_bed.PathOf("new", "filters.png")).AsSpan(16)));
        Assert.Contains($"{count} hidden units of mnist-rbm/1", _bed.Out);
    }

    [Theory]
    [InlineData("mnist-jem", "100", "needs filters (weights from each hidden unit to the visible ones), which the model 'mnist-jem' does not have")]
    [InlineData("mnist-rbm", "0", "--count must be at least 1")]
    [InlineData("nowhere", "100", "there is no folder")]
    public async Task Filters_NothingToDraw_ExitsWith2AndSaysWhy(string model, string count, string expected)
    {
        int code = await _bed.RunAsync("filters", CliTestBed.Bundled(model), "--count", count, "--out", _bed.PathOf("filters.png"));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, _bed.Error);
        Assert.False(File.Exists(_bed.PathOf("filters.png")));
    }

    public void Dispose() => _bed.Dispose();
}
