namespace EbmService.Benchmarks.Measurements;

/// <summary>One measurement that can be asked for by name.</summary>
internal interface IMeasurement
{
    string Name { get; }

    /// <value>The heading of its part of the report.</value>
    string Title { get; }

    Task<MeasurementResult> RunAsync(BenchmarkContext context);
}

/// <summary>A part of the report.</summary>
/// <param name="Markdown">Without the heading.</param>
/// <param name="Figures">What the JSON file keeps: every round.</param>
internal sealed record MeasurementResult(string Markdown, object Figures);
