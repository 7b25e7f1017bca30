using EbmService.Core.Jobs;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>
/// Random sequences of client calls, block events, lost devices, damaged files, kills and restarts at any moment against the job and a small model
/// of what has to hold. A failing sequence prints its seed and what happened; EBM_TEST_SEED runs that one alone.
/// </summary>
public sealed class JobModelTests
{
    private const int Sequences = 6000;

    [Fact]
    public void RandomSequences_AnyMoment_NothingIsStuckOrLost()
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("EBM_TEST_SEED"), out int only))
        {
            new JobSimulation(only).Run();
            return;
        }
        int soak = Environment.GetEnvironmentVariable("EBM_TEST_SOAK") == "1" ? 20 : 1;
        Dictionary<JobStatus, int> ends = [];
        for (int seed = 1; seed <= Sequences * soak; seed++)
        {
            JobStatus end = new JobSimulation(seed).Run();
            ends[end] = ends.GetValueOrDefault(end) + 1;
        }
        // A simulation that never got anywhere would find nothing.
        Assert.True(ends[JobStatus.Succeeded] > Sequences / 10 && ends[JobStatus.Cancelled] > Sequences / 20 && ends[JobStatus.Failed] > 0,
            string.Join(", ", ends));
    }
}
