using System.Buffers.Binary;

namespace EbmService.Cli.Tests.Plots;

public sealed class PlotCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    [Fact]
    public async Task Plot_ResultFolderWithModel_DrawsTracesConvergenceScheduleAndPlane()
    {
        string folder = await SampledAsync("a", "--thin", "2");

        Assert.Equal(ExitCode.Ok, await _bed.RunAsync("plot", _bed.PathOf("a"), "--model", folder, "--out", _bed.PathOf("figures")));

        Assert.Equal(["convergence.png", "energy.png", "plane.png", "schedule.png"], Pictures("figures"));
        Assert.Equal((800, 680), Size("figures", "energy.png"));
        Assert.Equal((800, 650), Size("figures", "convergence.png"));
        Assert.Equal((800, 660), Size("figures", "schedule.png"));
        Assert.Contains("energy.png", _bed.Out);
    }

    [Fact]
    public async Task Plot_TraceAlone_DrawsWhatItHolds()
    {
        await SampledAsync("a");
        File.Delete(_bed.PathOf("a", "card.json"));

        Assert.Equal(ExitCode.Ok, await _bed.RunAsync("plot", _bed.PathOf("a", "trace.json"), "--out", _bed.PathOf("figures")));

        Assert.Equal(["convergence.png", "energy.png"], Pictures("figures"));
    }

    [Fact]
    public async Task Plot_SeveralResults_DrawsThemOverOneAnother()
    {
        string folder = await SampledAsync("a");
        Assert.Equal(ExitCode.Ok, await _bed.RunAsync("sample", folder, "--steps", "300", "--kernel", "mala", "--out", _bed.PathOf("b")));

        Assert.Equal(ExitCode.Ok, await _bed.RunAsync("plot", _bed.PathOf("a"), _bed.PathOf("b"), "--out", _bed.PathOf("figures"), "--title", "both"));

        Assert.Equal(["compared.png"], Pictures("figures"));
    }

    [Theory]
    [InlineData("ula", 660)]
    [InlineData("hmc", 440)]
    public async Task Plot_SpecWithModel_DrawsWhatItsKernelHas(string kernel, int height)
    {
        string folder = await SampledAsync("a");
        File.WriteAllText(_bed.PathOf("spec.json"), $$"""{ "kernel": "{{kernel}}", "steps": 100, "temperatureSchedule": { "kind": "annealed", "start": 100, "end": 1 } }""");

        Assert.Equal(ExitCode.Ok, await _bed.RunAsync("plot", _bed.PathOf("spec.json"), "--model", folder, "--out", _bed.PathOf("figures")));

        Assert.Equal(["schedule.png"], Pictures("figures"));
        Assert.Equal((800, height), Size("figures", "schedule.png"));
    }

    [Theory]
    [InlineData("nowhere", "there is no")]
    [InlineData("empty", "there is no trace.json")]
    [InlineData("spec.json", "--model")]
    [InlineData("broken/trace.json", "trace.json can't be read")]
    [InlineData("other/trace.json", "is no trace of a sampling job")]
    public async Task Plot_NothingToDraw_ExitsWith2AndSaysWhy(string path, string expected)
    {
        foreach (string folder in new[] { "empty", "broken", "other" })
            Directory.CreateDirectory(_bed.PathOf(folder));
        File.WriteAllText(_bed.PathOf("spec.json"), "{}");
        File.WriteAllText(_bed.PathOf("broken", "trace.json"), "{");
        File.WriteAllText(_bed.PathOf("other", "trace.json"), "{}");

        int code = await _bed.RunAsync("plot", _bed.PathOf(path));

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains(expected, _bed.Error);
    }

    private async Task<string> SampledAsync(string name, params string[] more)
    {
        string folder = _bed.WriteModel();
        Assert.Equal(ExitCode.Ok, await _bed.RunAsync(_bed.Train(folder)));
        Assert.Equal(ExitCode.Ok, await _bed.RunAsync(["sample", folder, "--chains", "8", "--steps", "60", "--seed", "1", "--out", _bed.PathOf(name), .. more]));
        return folder;
    }

    private string[] Pictures(string folder) =>
        [.. Directory.GetFiles(_bed.PathOf(folder), "*.png").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    /// <summary>Of a PNG's header.</summary>
    private (int Width, int Height) Size(string folder, string name)
    {
        byte[] png = File.ReadAllBytes(_bed.PathOf(folder, name));
        return (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)));
    }

    public void Dispose() => _bed.Dispose();
}
