using EbmService.EndToEnd.Tests.Hosting;
using Xunit;

namespace EbmService.EndToEnd.Tests.Sampling;

/// <summary>Same request, same bits in every process: kernels are chosen anew in each, with both slots at work from its first step.</summary>
public sealed class FreshProcessTests
{
    [EndToEndFact]
    public Task Samples_TwoFreshProcesses_HaveOneHash() => OneHashAsync(processes: 2);

    [SoakFact]
    public Task Samples_TwentyFreshProcesses_HaveOneHash() => OneHashAsync(processes: 20);

    private static async Task OneHashAsync(int processes)
    {
        var hashes = new List<string>();
        for (int i = 0; i < processes; i++)
        {
            string data = Directory.CreateTempSubdirectory("ebm-e2e-").FullName;
            try
            {
                await using ServiceProcess service = await ServiceHost.StartAsync(data);
                // Blocks of 32 and 8 rows: both slots choose kernels at once.
                string id = await service.Client.SubmitAsync(HttpSteps.Spec(40, 60, 11));
                await service.Client.WaitForEndAsync(id);
                hashes.Add(await service.Client.HashOfResultAsync(id, "samples.npy"));
            }
            finally
            {
                Directory.Delete(data, recursive: true);
            }
        }
        Assert.Single(hashes.Distinct());
    }
}
