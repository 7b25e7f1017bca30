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
        var answer = new JobDiagnostics { Step = series.LastStep, Draws = series.Draws, Chains = series.Chains };
        if (series.Draws == 0 || series.Chains == 0)
            return answer;
        List<LabelFigures> groups = [.. series.Labels.Select(label => LabelFigures.Of(series, label))];
        QuantityDiagnostics[] all = [.. series.Names.Select((_, quantity) => LabelFigures.Pool(groups, quantity))];
        answer = answer with { Quantities = groups.Count == 1 ? all : [.. all, .. groups.SelectMany(group => group.Quantities)] };
        // Chains that each stand still at a place of their own don't agree, though no figure says so.
        if (groups.Exists(group => group.IsStuck))
            return answer;
        // A quantity that is the same everywhere has no figures; the others speak for the job.
        return answer with { RHat = all.Max(one => one.RHat), EssBulk = all.Min(one => one.EssBulk), EssTail = all.Min(one => one.EssTail) };
    }

    public StopReason? Judge(JobDefinition job, JobDiagnostics diagnostics)
    {
        if (job.Spec is not SamplingSpec { Stop: { } rules })
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
