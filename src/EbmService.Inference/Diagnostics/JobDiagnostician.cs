using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Inference.JobTypes.Sampling;

namespace EbmService.Inference.Diagnostics;

/// <inheritdoc cref="IJobDiagnostician"/>
internal sealed class JobDiagnostician : IJobDiagnostician
{
    private const int MaxLiveValues = 1 << 15;

    public JobDiagnostics Compute(JobDefinition job, IReadOnlyList<BlockSeries> blocks, bool live)
    {
        var series = new AlignedSeries(
            blocks.OrderBy(block => block.Block.Index).Select(block => (block.Series, LabelsOf(job, block.Block))), live ? MaxLiveValues : int.MaxValue);
        var answer = new JobDiagnostics { Step = series.LastStep, Draws = series.Draws, Chains = series.Chains, UnmovedChains = series.Unmoved };
        if (series.Draws == 0 || series.Chains == 0)
            return answer;
        List<LabelStatistics> groups = [.. series.Labels.Select(label => LabelStatistics.Compute(series, label))];
        QuantityDiagnostics[] all = [.. series.Names.Select((_, quantity) => LabelStatistics.Pool(groups, quantity))];
        answer = answer with { Quantities = groups.Count == 1 ? all : [.. all, .. groups.SelectMany(group => group.Quantities)] };
        // A class whose chains are all frozen has no statistics, and what is the same everywhere needs none.
        bool complete = blocks.SelectMany(block => LabelsOf(job, block.Block)).Distinct().Count() == groups.Count;
        QuantityDiagnostics[] moving = [.. all.Where((_, quantity) => groups.Exists(group => group.Conditions[quantity] != StatisticsCondition.Constant))];
        if (!complete || moving.Length == 0)
            return answer;
        return answer with
        {
            RHat = LabelStatistics.Worst(moving, one => one.RHat, Enumerable.Max),
            EssBulk = LabelStatistics.Worst(moving, one => one.EssBulk, Enumerable.Min),
            EssTail = LabelStatistics.Worst(moving, one => one.EssTail, Enumerable.Min),
        };
    }

    public string? Judge(JobDefinition job, JobDiagnostics diagnostics)
    {
        if (job.Spec is not SamplingSpec { Stop: { } rules } || diagnostics.Draws < StopRules.FewestDraws || diagnostics.UnmovedChains > 0)
            return null;
        bool ess = diagnostics.EssBulk >= rules.UntilEss, rHat = diagnostics.RHat <= rules.UntilRHat;
        return (rules.UntilEss, rules.UntilRHat) switch
        {
            ({ }, { }) => ess && rHat ? SamplingJob.UntilEssAndRHat : null,
            ({ }, null) => ess ? SamplingJob.UntilEss : null,
            (null, { }) => rHat ? SamplingJob.UntilRHat : null,
            _ => null,
        };
    }

    private static int[] LabelsOf(JobDefinition job, BlockPlan block) =>
        job.Spec is SamplingSpec spec ? ChainLabels.Of(spec, block) : [.. Enumerable.Repeat(-1, block.Count)];
}

/// <summary>The statistics of the chains of one class.</summary>
/// <param name="Chains">How many there are.</param>
/// <param name="Quantities">In the order of the series' names.</param>
/// <param name="Conditions">Of each quantity.</param>
internal sealed record LabelStatistics(
    int Chains, IReadOnlyList<QuantityDiagnostics> Quantities, IReadOnlyList<StatisticsCondition> Conditions)
{
    public static LabelStatistics Compute(AlignedSeries series, int label)
    {
        IReadOnlyList<ChainStatistics> statistics = ChainDiagnostics.Compute(
            [.. series.Names.Select((_, quantity) => series.Of(quantity, label))]);
        return new(
            series.ChainsOf(label), [.. series.Names.Zip(statistics, (name, one) => ToCore(name, one, label))],
            [.. statistics.Select(one => one.Condition)]);
    }

    /// <summary>One quantity over all classes: the worst agreement, the mean over all chains and its error, as classes are independent.</summary>
    public static QuantityDiagnostics Pool(IReadOnlyList<LabelStatistics> groups, int quantity)
    {
        QuantityDiagnostics[] parts = [.. groups.Select(group => group.Quantities[quantity])];
        if (parts.Length == 1)
            return parts[0] with { Label = null };
        double chains = groups.Sum(group => group.Chains);
        double? mean = 0, squares = 0;
        foreach ((QuantityDiagnostics part, LabelStatistics group) in parts.Zip(groups))
        {
            mean += group.Chains / chains * part.Mean;
            squares += group.Chains / chains * part.McseMean * (group.Chains / chains * part.McseMean);
        }
        return new(
            parts[0].Name, mean, null, squares is { } sum ? Math.Sqrt(sum) : null,
            Worst(parts, part => part.RHat, Enumerable.Max), Worst(parts, part => part.EssBulk, Enumerable.Min),
            Worst(parts, part => part.EssTail, Enumerable.Min));
    }

    /// <summary>The worst of all; null where one is missing, as that one may be the worst.</summary>
    public static double? Worst(
        IEnumerable<QuantityDiagnostics> parts, Func<QuantityDiagnostics, double?> statistic, Func<IEnumerable<double?>, double?> worst)
    {
        double?[] values = [.. parts.Select(statistic)];
        return values.Contains(null) ? null : worst(values);
    }

    private static QuantityDiagnostics ToCore(string name, ChainStatistics statistics, int label) => new(
        name, statistics.Mean, statistics.StandardDeviation, statistics.McseMean, statistics.RHat, statistics.EssBulk, statistics.EssTail,
        label < 0 ? null : label);
}
