using EbmService.Inference.Models;

namespace EbmService.Cli.Tests.Assessment;

public sealed class LikelihoodCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [Fact]
    public async Task Likelihood_ModelThatIsNoBoltzmannMachine_IsRefused()
    {
        string folder = _bed.WriteModel();
        await _bed.RunAsync(_bed.Train(folder));

        int code = await _bed.RunAsync("likelihood", folder, "--data", "two-moons");

        Assert.Equal(ExitCode.BadInput, code);
        Assert.Contains("no path", _bed.Error);
    }

    [Fact]
    public async Task Likelihood_RowsOfAnotherLength_AreRefused()
    {
        string folder = _bed.WriteModel();
        string descriptor = Path.Combine(folder, ModelFiles.Descriptor);
        string text = await File.ReadAllTextAsync(descriptor, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(descriptor, text
            .Replace("\"kind\": \"mlp\", \"hidden\": [8]", "\"kind\": \"ising\", \"coupling\": 1", StringComparison.Ordinal)
            .Replace("\"shape\": [2], \"min\": -3, \"max\": 3", "\"shape\": [3, 3], \"variables\": \"binary\", \"min\": 0, \"max\": 1", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        ModelVersionWriter.Write(folder, "1", new ModelVersionContent());

        int code = await _bed.RunAsync("likelihood", folder, "--data", "two-moons");

        Assert.Equal((ExitCode.BadInput, "ebm: the data does not fit the model: a row of the data has 2 numbers, the model takes 9\n"), (code, _bed.Error));
    }
}
