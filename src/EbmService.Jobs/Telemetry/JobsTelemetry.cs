using System.Diagnostics.Metrics;

namespace EbmService.Jobs.Telemetry;

/// <summary>What an exporter has to know of the engine's metrics and traces: docs/observability.md lists them.</summary>
public static class JobsTelemetry
{
    /// <summary>The one meter of the engine.</summary>
    public const string MeterName = "EbmService.Jobs";

    /// <summary>The one source of the engine's spans.</summary>
    public const string SourceName = "EbmService.Jobs";

    internal static Histogram<double> Seconds(this Meter meter, string name, string text, params double[] bounds) =>
        meter.CreateHistogram(name, "s", text, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });

    internal static KeyValuePair<string, object?> Tag(string name, object? value) => new(name, value);
}

/// <summary>Names of attributes on metrics and spans. None of a metric's holds a job's id.</summary>
internal static class Tags
{
    public const string Activity = "ebm.slot.activity";
    public const string Block = "ebm.block.index";
    public const string ErrorType = "error.type";
    public const string Job = "ebm.job.id";
    public const string JobType = "ebm.job.type";
    public const string Kind = "ebm.query.kind";
    public const string Model = "ebm.model.name";
    public const string Priority = "ebm.job.priority";
    public const string Quantile = "ebm.quantile";
    public const string State = "ebm.model.state";
    public const string Statistic = "ebm.statistic";
    public const string Status = "ebm.job.status";
    public const string Storage = "ebm.storage.kind";
    public const string Tenant = "ebm.tenant";
    public const string Unit = "ebm.job.unit";
    public const string Version = "ebm.model.version";

    /// <summary>A value of an enum as clients write it: camelCase.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum => Words<T>.Of(value);

    private static class Words<T>
        where T : struct, Enum
    {
        private static readonly Dictionary<T, string> All = Enum.GetValues<T>().Distinct()
            .ToDictionary(value => value, value => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(value.ToString()));

        public static string Of(T value) => All.GetValueOrDefault(value, "unknown");
    }
}
