using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using EbmService.Jobs.Telemetry;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Telemetry;

/// <summary>Every number that one host's meter gave, as an exporter would get it.</summary>
internal sealed class RecordedMetrics : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Name, double Value, string Tags)> _all = new();

    public RecordedMetrics(JobsHost host)
    {
        object scope = host.Get<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == JobsTelemetry.MeterName && ReferenceEquals(instrument.Meter.Scope, scope))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>What was recorded of an instrument, with its tags as "name=value,..." in order of their names.</summary>
    public IReadOnlyList<(double Value, string Tags)> Of(string name) =>
        [.. _all.Where(one => one.Name == name).Select(one => (one.Value, one.Tags))];

    /// <summary>What an observable instrument says now.</summary>
    public IReadOnlyList<(double Value, string Tags)> Observe(string name)
    {
        int before = _all.Count;
        _listener.RecordObservableInstruments();
        return [.. _all.Skip(before).Where(one => one.Name == name).Select(one => (one.Value, one.Tags))];
    }

    /// <summary>The value of the one series with those tags.</summary>
    public double Observe(string name, string tags) => Observe(name).Single(one => one.Tags == tags).Value;

    public double Sum(string name, string tags) => Of(name).Where(one => one.Tags == tags).Sum(one => one.Value);

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) => _all.Enqueue((instrument.Name, value,
        string.Join(',', tags.ToArray().OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}"))));
}
