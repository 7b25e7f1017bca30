using System.Collections.Concurrent;
using System.Diagnostics;
using EbmService.Jobs.Telemetry;

namespace EbmService.Jobs.Tests.Telemetry;

/// <summary>Spans of the engine as an exporter gets them: when they end. Other tests' are among them: ask for a trace.</summary>
internal sealed class RecordedSpans : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly ActivityListener _listener;

    public RecordedSpans()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == JobsTelemetry.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>In order of their starts.</summary>
    public IReadOnlyList<Activity> Of(string traceId) =>
        [.. _ended.Where(span => span.TraceId.ToHexString() == traceId).OrderBy(span => span.StartTimeUtc)];

    public IReadOnlyList<Activity> Of(string traceId, string name) => [.. Of(traceId).Where(span => span.OperationName == name)];

    public void Dispose() => _listener.Dispose();
}
