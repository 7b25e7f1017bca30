using EbmService.Core.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;

namespace EbmService.Inference.Diagnostics;

/// <inheritdoc cref="IJobDiagnostician"/>
internal sealed class JobDiagnostician : IJobDiagnostician
{
    private const int MaxLiveValues = 1 << 15;

    public JobDiagnostics Compute(JobDefinition job, IReadOnlyList<BlockSeries> blocks, bool live)
    {
        var series = new AlignedSeries(
            blocks.OrderBy(block => block.Block.Index).Select(block => block.Series), live ? MaxLiveValues : int.MaxValue);
        var none = new JobDiagnostics { Step = series.LastStep, Draws = series.Draws, Chains = series.Chains };
        if (series.Draws == 0 || series.Chains == 0)
            return none;
        IReadOnlyList<ChainFigures> figures = ChainDiagnostics.Of([.. series.Names.Select((_, quantity) => series.Of(quantity))]);
        none = none with { Quantities = [.. series.Names.Zip(figures, ToCore)] };
        // Chains that each stand still at a place of their own don't agree, though no figure says so.
        if (figures.Any(figure => figure.Condition == FiguresCondition.Stuck))
            return none;
        // A quantity that is the same everywhere has no figures; the others speak for the job.
        return none with
        {
            RHat = figures.Max(figure => figure.RHat), EssBulk = figures.Min(figure => figure.EssBulk), EssTail = figures.Min(figure => figure.EssTail),
        };
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

    private static QuantityDiagnostics ToCore(string name, ChainFigures figures) => new(
        name, figures.Mean, figures.StandardDeviation, figures.McseMean, figures.RHat, figures.EssBulk, figures.EssTail);
}
