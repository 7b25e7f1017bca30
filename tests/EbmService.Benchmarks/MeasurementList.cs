using EbmService.Benchmarks.Measurements;

namespace EbmService.Benchmarks;

/// <summary>Everything that can be measured, in the order of the report.</summary>
internal static class MeasurementList
{
    private static readonly IMeasurement[] All =
    [
        new MainMeasurement("main", BenchmarkModels.Bundled, 200),
        new MainMeasurement("reference", BenchmarkModels.Reference, 50),
        new PyTorchMeasurement(), new PublishedMeasurement(), new GemmMeasurement(), new JobsMeasurement(), new BlocksMeasurement(), new SmallMeasurement(),
        new MemoryMeasurement(), new LoadingMeasurement(), new TrajectoryMeasurement(), new LatencyMeasurement(), new GrowthMeasurement(),
        new TrainingMeasurement(), new TasksMeasurement(), new TelemetryMeasurement(), new WatchedMeasurement(),
    ];

    public static string Names => string.Join(", ", All.Select(each => each.Name));

    public static IReadOnlyList<IMeasurement> Chosen(string? only) =>
        only is null ? All : [.. Split(only).Select(name => All.Single(each => each.Name == name))];

    /// <returns>The first name that no measurement has, or null.</returns>
    public static string? Unknown(string? only) =>
        only is null ? null : Array.Find(Split(only), name => All.All(each => each.Name != name));

    private static string[] Split(string only) => only.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
