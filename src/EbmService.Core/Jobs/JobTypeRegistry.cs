using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Failures;
using EbmService.Core.Json;

namespace EbmService.Core.Jobs;

/// <summary>The registry of job types: each call of the engine goes to the type of the job's spec. Thread-safe.</summary>
public sealed class JobTypeRegistry : IJobPlanner, IResultAssembler, IJobStatistician
{
    private readonly Dictionary<string, IJobType> _byName;

    /// <exception cref="ArgumentException">Two types have one name.</exception>
    public JobTypeRegistry(IEnumerable<IJobType> types)
    {
        All = [.. types];
        _byName = All.ToDictionary(type => type.Description.Name, StringComparer.Ordinal);
    }

    /// <value>In the order of registration.</value>
    public IReadOnlyList<IJobType> All { get; }

    /// <value>The first that was registered: what requests mean that name none.</value>
    public IJobType Default => All[0];

    /// <value>For people: all names.</value>
    public string Known => string.Join(", ", _byName.Keys);

    public IJobType? Find(string name) => _byName.GetValueOrDefault(name);

    /// <exception cref="InvalidOperationException">No such type is registered.</exception>
    public IJobType Of(JobSpec spec) => Find(spec.Type) ?? throw new InvalidOperationException($"no job type '{spec.Type}' is registered");

    /// <summary>Reads a stored spec; one of an earlier version names its type in a member of its own.</summary>
    /// <exception cref="JsonException">The type is not known here, or the text is no spec of it.</exception>
    public JobSpec ReadSpec(string type, string json)
    {
        IJobType known = Find(type) ?? throw new JsonException($"no job type '{type}' is known here");
        if (JsonNode.Parse(json) is not JsonObject members)
            throw new JsonException("a stored spec is no object");
        members.Remove("type");
        return (JobSpec?)members.Deserialize(known.Description.Spec, EbmJson.Options) ?? throw new JsonException("a stored spec is null");
    }

    public JobPlan Plan(JobSpec spec) => Of(spec).Plan(spec);

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files) =>
        Of(job.Spec).Assemble(job, blocks, stopped, files);

    public JobStatistics Compute(JobDefinition job, IReadOnlyList<BlockStatistics> blocks, bool live) =>
        Of(job.Spec).Compute(job, blocks, live);

    public JobTraceResponse? Trace(JobDefinition job, IReadOnlyList<BlockStatistics> blocks) => Of(job.Spec).Trace(job, blocks);

    public long UnitsAt(JobSpec spec, BlockPlan block, int step) => Of(spec).UnitsAt(spec, block, step);

    public string UnitOf(JobSpec spec) => Of(spec).Description.Unit;

    public IReadOnlyDictionary<string, double> Merge(
        JobDefinition job, IReadOnlyList<(BlockPlan Block, StepReport Report)> blocks, JobStatistics? statistics)
    {
        var merged = new Dictionary<string, double>();
        foreach (MetricDescription metric in Of(job.Spec).Description.Metrics)
        {
            double? value = statistics?.Metrics.TryGetValue(metric.Name, out double computed) is true
                ? computed : MetricMerger.Merge(metric, blocks);
            if (value is { } number && double.IsFinite(number))
                merged[metric.Name] = number;
        }
        return merged;
    }
}

/// <summary>Puts the numbers of blocks together.</summary>
internal static class MetricMerger
{
    public static double? Merge(MetricDescription metric, IReadOnlyList<(BlockPlan Block, StepReport Report)> blocks)
    {
        double sum = 0, weights = 0;
        double smallest = double.PositiveInfinity, largest = double.NegativeInfinity;
        foreach ((BlockPlan block, StepReport report) in blocks)
        {
            double weight = metric.Merge == MetricMerge.Mean ? WeightOf(metric, block, report) : 1;
            if (weight <= 0 || !report.Metrics.TryGetValue(metric.Name, out double value) || !double.IsFinite(value))
                continue;
            (sum, weights) = (sum + weight * value, weights + weight);
            (smallest, largest) = (Math.Min(smallest, value), Math.Max(largest, value));
        }
        if (weights == 0)
            return null;
        return metric.Merge switch
        {
            MetricMerge.Mean => sum / weights,
            MetricMerge.Sum => sum,
            MetricMerge.Smallest => smallest,
            MetricMerge.Largest => largest,
            _ => null,
        };
    }

    private static double WeightOf(MetricDescription metric, BlockPlan block, StepReport report) => metric.Weight is { } weight
        ? report.Metrics.GetValueOrDefault(weight)
        : block.Count - (metric.Less is { } less ? report.Metrics.GetValueOrDefault(less) : 0);
}
