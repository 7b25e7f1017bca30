namespace EbmService.Cli.Tests;

public sealed class CliApplicationTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    [Theory]
    [InlineData("train")]
    [InlineData("train", "folder")]
    [InlineData("frobnicate")]
    [InlineData("train", "folder", "--data", "two-moons", "--iterations", "many")]
    [InlineData("train", "folder", "--data", "two-moons", "--no-such-option")]
    public async Task RunAsync_WrongUsage_ExitsWith2AndOneSentence(params string[] args)
    {
        int code = await _bed.RunAsync(args);

        Assert.Equal(ExitCode.BadInput, code);
        Assert.StartsWith("ebm: ", _bed.Error);
        Assert.Contains("--help", _bed.Error);
        Assert.Single(_bed.Error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("train")]
    [InlineData("evaluate")]
    [InlineData("sample")]
    [InlineData("plot")]
    [InlineData("data mnist")]
    [InlineData("models verify")]
    public async Task RunAsync_Help_ShowsExamplesAndExitCodes(string command)
    {
        int code = await _bed.RunAsync([.. command.Split(' '), "--help"]);

        Assert.Equal(ExitCode.Ok, code);
        Assert.Contains("Example", _bed.Out);
        Assert.Contains($"ebm {command}", _bed.Out);
        Assert.Contains("Exit codes:", _bed.Out);
        Assert.Empty(_bed.Error);
    }

    [Theory]
    [InlineData("/home/someone/data/mnist", "mnist")]
    [InlineData("mnist:/home/someone/data/mnist/", "mnist:mnist")]
    [InlineData("idx:/a/images.gz,/b/labels.gz", "idx:images.gz,labels.gz")]
    [InlineData("../outside/model", "model")]
    [InlineData("notMNIST=/data/n.gz", "notMNIST=n.gz")]
    [InlineData("deploy/models/two-moons", "deploy/models/two-moons")]
    [InlineData("two-moons", "two-moons")]
    [InlineData("--data", "--data")]
    public void Portable_Argument_KeepsNoFolderOfThisMachine(string argument, string expected) =>
        Assert.Equal(expected, CommandText.Portable(argument));

    public void Dispose() => _bed.Dispose();
}
