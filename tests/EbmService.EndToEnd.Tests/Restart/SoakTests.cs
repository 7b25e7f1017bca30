using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Restart;

/// <summary>kill -9 at random moments: no job is lost, none ends twice, none gives another result.</summary>
[Collection(ServiceCollection.Name)]
public sealed class SoakTests(ServiceFixture fixture) : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [SoakFact]
    public Task Kill_FiveRandomMoments_LosesDoublesAndChangesNothing() => SoakAsync(jobs: 9, kills: 5, scale: 1, seed: 5);

    [SoakFact]
    public Task Kill_FiftyRandomMoments_LosesDoublesAndChangesNothing() => SoakAsync(jobs: 14, kills: 50, scale: 5, seed: 50);

    private async Task SoakAsync(int jobs, int kills, int scale, int seed)
    {
        var soak = new SoakRun(_data, jobs, kills, scale, seed);
        string[] undisturbed = await soak.UndisturbedAsync(fixture.Service);

        await soak.RunAsync();
        string[] disturbed = await soak.EndAsync();

        Assert.Equal(undisturbed, disturbed);
        Assert.True(soak.Disturbing >= kills / 2, $"only {soak.Disturbing} of {kills} kills met unfinished jobs");
    }
}
