using EbmService.Client;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Sampling;
using EbmService.Core.Scoring;
using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Jobs;

/// <summary>Scores what another job has left.</summary>
[Collection(ServiceCollection.Name)]
public sealed class ScoringJobTests(ServiceFixture fixture)
{
    private const string Model = "two-moons";

    [EndToEndFact]
    public async Task Samples_OfAnotherJob_HaveTheEnergiesOfAQuery()
    {
        EbmClient ebm = fixture.Service.Ebm;
        JobResponse sampled = (await ebm.Jobs.RunAsync(
            Model, new SamplingRequest { Chains = 40, Steps = 60, Seed = 5 }, cancellationToken: HttpSteps.Cancel)).EnsureSucceeded();
        NpyArray samples = await ebm.Jobs.ReadArrayAsync(sampled.Id, "samples.npy", HttpSteps.Cancel);

        JobResponse scored = await ebm.Jobs.CreateAsync(
            Model, new ScoringRequest { Job = new JobRows(sampled.Id), BlockSize = 16 }, cancellationToken: HttpSteps.Cancel);
        await ebm.Jobs.DeleteAsync(sampled.Id, HttpSteps.Cancel);
        (await ebm.Jobs.WaitAsync(scored.Id, HttpSteps.Cancel)).EnsureSucceeded();

        NpyArray energies = await ebm.Jobs.ReadArrayAsync(scored.Id, "energy.npy", HttpSteps.Cancel);
        Assert.Equal([40], energies.Shape);
        // Samples may lie outside the model's range: other jobs' rows are taken as they are.
        NpyArray asked = await ebm.Queries.EnergyArrayAsync(
            Model, samples.ToTensor(), new EnergyOptions { OutOfRange = OutOfRange.Allow }, HttpSteps.Cancel);
        Assert.Equal(asked.ToSingles(), energies.ToSingles());
    }
}
