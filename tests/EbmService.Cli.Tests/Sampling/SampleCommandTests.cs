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
    [InlineData("--label", "3", "has no classes")]
    [InlineData("--version", "9", "has no version '9'")]
    [InlineData("--labels", "0,x", "'x' is none")]
    public async Task Sample_BadRequest_ExitsWith2AndSaysWhy(string option, string value, string expected)
    {
        string folder = await TrainedAsync();

        int code = await _bed.RunAsync("sample", folder, option, value, "--out", _bed.PathOf("a"));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, _bed.Error);
        Assert.False(Directory.Exists(_bed.PathOf("a")));
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

    private byte[] Read(string folder, string file) => File.ReadAllBytes(_bed.PathOf(folder, file));

    public void Dispose() => _bed.Dispose();
}
