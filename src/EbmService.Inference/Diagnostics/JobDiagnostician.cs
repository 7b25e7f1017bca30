using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Inference.Tasks;

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
        List<LabelFigures> groups = [.. series.Labels.Select(label => LabelFigures.Of(series, label))];
        QuantityDiagnostics[] all = [.. series.Names.Select((_, quantity) => LabelFigures.Pool(groups, quantity))];
        answer = answer with { Quantities = groups.Count == 1 ? all : [.. all, .. groups.SelectMany(group => group.Quantities)] };
        // A class whose chains are all frozen has no figures, and what is the same everywhere needs none.
        bool complete = blocks.SelectMany(block => LabelsOf(job, block.Block)).Distinct().Count() == groups.Count;
        QuantityDiagnostics[] moving = [.. all.Where((_, quantity) => groups.Exists(group => group.Conditions[quantity] != FiguresCondition.Constant))];
        if (!complete || moving.Length == 0)
            return answer;
        return answer with
        {
            RHat = LabelFigures.Worst(moving, one => one.RHat, Enumerable.Max),
            EssBulk = LabelFigures.Worst(moving, one => one.EssBulk, Enumerable.Min),
            EssTail = LabelFigures.Worst(moving, one => one.EssTail, Enumerable.Min),
        };
    }

    public StopReason? Judge(JobDefinition job, JobDiagnostics diagnostics)
    {
        if (job.Spec is not SamplingSpec { Stop: { } rules } || diagnostics.Draws < StopRules.FewestDraws || diagnostics.UnmovedChains > 0)
            return null;
        bool ess = diagnostics.EssBulk >= rules.UntilEss, rHat = diagnostics.RHat <= rules.UntilRHat;
        return (rules.UntilEss, rules.UntilRHat) switch
        {
            ({ }, { }) => ess && rHat ? StopReason.UntilEssAndRHat : null,
            ({ }, null) => ess ? StopReason.UntilEss : null,
            (null, { }) => rHat ? StopReason.UntilRHat : null,
            _ => null,
        };
    }

    private static int[] LabelsOf(JobDefinition job, BlockPlan block) =>
        job.Spec is SamplingSpec spec ? ChainLabels.Of(spec, block) : [.. Enumerable.Repeat(-1, block.Chains)];
}
