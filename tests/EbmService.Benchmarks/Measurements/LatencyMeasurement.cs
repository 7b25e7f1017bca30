using EbmService.Benchmarks.Service;

namespace EbmService.Benchmarks.Measurements;

/// <summary>(c) Milliseconds of single energy requests, one after the other: with nothing else to do, and while a long job fills all slots.</summary>
internal sealed record LatencyMeasurement(IReadOnlyList<double[]> Idle, IReadOnlyList<double[]> Busy)
{
    private const int LongJobSteps = 100_000;

    public static async Task<LatencyMeasurement> RunAsync(BenchmarkOptions options, EnergyClient energy, SamplingClient jobs)
    {
        List<double[]> idle = [], busy = [];
        for (int round = 0; round < options.ActualRounds; round++)
        {
            idle.Add(await AskAsync(energy, options.LatencyRequests));
            string job = await jobs.SubmitAsync(256, LongJobSteps, null, seed: round);
            await jobs.WaitUntilRunningAsync(job);
            busy.Add(await AskAsync(energy, options.LatencyRequests));
            await jobs.CancelAsync(job);
            Console.WriteLine($"latency, round {round + 1}: p99 idle {Spread.Quantile(idle[round], 0.99):F1} ms, busy {Spread.Quantile(busy[round], 0.99):F1} ms");
        }
        return new LatencyMeasurement(idle, busy);
    }

    private static async Task<double[]> AskAsync(EnergyClient energy, int count)
    {
        var milliseconds = new double[count];
        for (int i = 0; i < count; i++)
            milliseconds[i] = await energy.AskAsync();
        return milliseconds;
    }
}
