using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>Resident memory of the service over many small jobs.</summary>
internal sealed class MemoryMeasurement : IMeasurement
{
    private const int Together = 5;

    public string Name => "memory";

    public string Title => "memory: resident memory over many jobs";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        int jobs = context.Options.Quick ? 60 : 1000, every = context.Options.Quick ? 10 : 50, settled = jobs / 5;
        await using ServiceProcess service = await context.StartServiceAsync();
        await using SamplingClient client = await SamplingClient.ConnectAsync(service);
        var readings = new List<MemoryReading>();
        for (int done = 0; done < jobs; done += Together)
        {
            if (done % every == 0)
                Read(readings, done, service);
            await client.RunAllAsync([.. Enumerable.Range(done, Together).Select(Request)]);
        }
        Read(readings, jobs, service);
        MemoryReading[] after = [.. readings.Where(reading => reading.Jobs >= settled)];
        double slope = Slope(after), span = after.Max(reading => reading.MiB) - after.Min(reading => reading.MiB);
        var table = new MarkdownTable("jobs done", "resident MiB");
        foreach (MemoryReading reading in readings)
            table.Row($"{reading.Jobs}", FormattableString.Invariant($"{reading.MiB:F0}"));
        string text = FormattableString.Invariant($"""
            {jobs} jobs, {Together} at a time, in turn 64 chains of two-moons for 50 steps and 16 chains of mnist-jem for 4, float32 and bfloat16.
            After the first {settled}: {1024 * slope:F1} KiB per job by least squares ({1000 * slope:F1} MiB per 1000 jobs), {span:F0} MiB between the lowest and the highest reading.

            {table}
            """);
        return new MeasurementResult(text, new { readings, kibPerJob = 1024 * slope });
    }

    private static SamplingRequest Request(int index) => (index % 3) switch
    {
        0 => new SamplingRequest(BenchmarkModels.Moons, 64, 50, 32, Seed: index),
        1 => new SamplingRequest(BenchmarkModels.Bundled, 16, 4, 16, Seed: index, PreviewEvery: 2),
        _ => new SamplingRequest(BenchmarkModels.Bundled, 16, 4, 16, Seed: index, Precision: "bfloat16"),
    };

    private static void Read(List<MemoryReading> readings, int jobs, ServiceProcess service)
    {
        readings.Add(new MemoryReading(jobs, service.ResidentBytes / (double)(1 << 20)));
        BenchmarkContext.Say($"memory: {readings[^1].MiB:F0} MiB after {jobs} jobs");
    }

    /// <returns>MiB per job.</returns>
    private static double Slope(MemoryReading[] readings)
    {
        double jobs = readings.Average(reading => reading.Jobs), memory = readings.Average(reading => reading.MiB);
        return readings.Sum(reading => (reading.Jobs - jobs) * (reading.MiB - memory)) / readings.Sum(reading => (reading.Jobs - jobs) * (reading.Jobs - jobs));
    }
}

/// <summary>Resident memory after so many jobs.</summary>
internal sealed record MemoryReading(int Jobs, double MiB);
