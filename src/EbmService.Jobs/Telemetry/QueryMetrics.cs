using System.Diagnostics.Metrics;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Jobs.Queries;

namespace EbmService.Jobs.Telemetry;

/// <summary>Short queries, and what the inputs of each model look like: whether they drift from what it was made for. Thread-safe.</summary>
internal sealed class QueryMetrics
{
    /// <summary>From the 5th to the 95th percentile of a normal distribution, in standard deviations.</summary>
    private const double NormalWidth = 3.29;

    private readonly TimeProvider _clock;
    private readonly IModelCatalog _models;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _wait;
    private readonly Histogram<long> _batch;
    private readonly Histogram<double> _energy;
    private readonly Histogram<double> _deviation;
    private readonly Histogram<double> _pValue;

    public QueryMetrics(IMeterFactory meters, TimeProvider clock, IModelCatalog models)
    {
        (_clock, _models) = (clock, models);
        Meter meter = meters.Create(JobsTelemetry.MeterName);
        double[] seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
        _duration = meter.Seconds("ebm.query.duration", "From asked to answered, within the service.", seconds);
        _wait = meter.Seconds("ebm.query.queue.wait", "From asked to taken by a slot.", seconds);
        _batch = meter.CreateHistogram("ebm.query.batch.size", "{row}", "Inputs that a slot evaluated at once.",
            advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] });
        _energy = meter.CreateHistogram<double>("ebm.model.energy", null, "E(x) of the inputs of short queries.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = EnergyBounds() });
        _deviation = meter.CreateHistogram<double>("ebm.model.energy.deviation", null,
            "E(x) of the inputs of short queries, less the median over the bundled calibration's rows, in standard deviations of these.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [-10, -5, -3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 5, 10, 30, 100] });
        _pValue = meter.CreateHistogram<double>("ebm.model.p_value", null,
            "Conformal p-values of the inputs of short queries: evenly spread over 0 to 1 while the inputs are like the calibration's.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1] });
    }

    /// <summary>A slot evaluates a batch.</summary>
    public void Taken(IReadOnlyList<QueryPart> batch)
    {
        _batch.Record(batch.Sum(part => part.Rows));
        long now = _clock.GetTimestamp();
        foreach (QueryPart part in batch)
        {
            if (part.Whole.TryTake() is { } askedAt)
                _wait.Record(_clock.GetElapsedTime(askedAt, now).TotalSeconds, JobsTelemetry.Tag(Tags.Kind, Tags.Word(part.Whole.Query.Kind)));
        }
    }

    /// <summary>A query is answered, or will not be.</summary>
    /// <param name="askedAt">In the clock's ticks.</param>
    public void Ended(ModelQuery query, Outcome<QueryAnswer> outcome, long askedAt)
    {
        double seconds = _clock.GetElapsedTime(askedAt).TotalSeconds;
        KeyValuePair<string, object?> kind = JobsTelemetry.Tag(Tags.Kind, Tags.Word(query.Kind)), model = JobsTelemetry.Tag(Tags.Model, query.Model.Name);
        if (!outcome.Succeeded)
        {
            _duration.Record(seconds, kind, model, JobsTelemetry.Tag(Tags.ErrorType, Tags.Word(outcome.Failure.Code)));
            return;
        }
        _duration.Record(seconds, kind, model);
        KeyValuePair<string, object?> version = JobsTelemetry.Tag(Tags.Version, query.Model.Version);
        Record(_energy, outcome.Value.Energies, energy => energy, model, version);
        if (SpreadOf(query.Model) is ({ } median, > 0 and var deviation))
            Record(_deviation, outcome.Value.Energies, energy => (energy - median) / deviation, model, version);
        if (outcome.Value.PValues is { } pValues)
            Record(_pValue, pValues, value => value, model, version);
    }

    /// <summary>The middle of the calibration's rows, and their standard deviation as if they were normal.</summary>
    private (double? Median, double Deviation) SpreadOf(ModelKey model) => _models.Find(model.Name, model.Version).Value?.ReferenceEnergies is [var low, var median, var high]
        ? (median.Energy, (high.Energy - low.Energy) / NormalWidth) : (null, 0);

    private static void Record<T>(
        Histogram<double> histogram, T[] values, Func<T, double> number, KeyValuePair<string, object?> model, KeyValuePair<string, object?> version)
    {
        if (!histogram.Enabled)
            return;
        foreach (T value in values)
        {
            if (double.IsFinite(number(value)))
                histogram.Record(number(value), model, version);
        }
    }

    /// <summary>Models' energies differ by orders of magnitude and have either sign: three to a decade, from 0.1 to 5000 and from -5000 to -0.1.</summary>
    private static double[] EnergyBounds()
    {
        double[] positive = [.. new[] { 0.1, 1, 10, 100, 1000 }.SelectMany(scale => new[] { scale, 2 * scale, 5 * scale })];
        return [.. positive.Reverse().Select(bound => -bound), 0, .. positive];
    }
}
