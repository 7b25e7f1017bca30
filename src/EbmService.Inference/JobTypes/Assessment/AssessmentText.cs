using System.Globalization;
using System.Text;
using EbmService.Core.Assessment;
using EbmService.Core.Jobs;
using EbmService.Inference.Assessment;

namespace EbmService.Inference.JobTypes.Assessment;

/// <summary>The file assessment.md.</summary>
internal static class AssessmentText
{
    public static string Of(JobDefinition job, AssessmentSpec spec, AssessmentReportFile report)
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Line($"# Out-of-distribution assessment of {job.Models[0].Name}/{job.Models[0].Version}");
        Line($"");
        Line($"Calibration {spec.Calibration} ({spec.CalibrationId ?? "none"}). Sets: {string.Join(", ", report.Sets.Select(set => $"{set.Name} ({set.Scored} of {set.Rows} rows)"))}.");
        Line($"Higher score = more in-distribution. Intervals: 95 %, {spec.Bootstrap} resamples of both sets.");
        Line($"");
        Line($"| set | score | AUROC | AUPR in | AUPR out | fprAtIdTpr95 | fprAtOodTpr95 |");
        Line($"|---|---|---|---|---|---|---|");
        foreach (ComparisonReport one in report.Comparisons)
        {
            string mark = one.Score == spec.Score ? "**" : "";
            Line($"| {one.Set} | {mark}{one.Score}{mark} | {Cell(one, "auroc", one.Metrics.Auroc)} | {Cell(one, "auprIn", one.Metrics.AuprIn)} | {Cell(one, "auprOut", one.Metrics.AuprOut)} | {Cell(one, "fprAtIdTpr95", one.Metrics.FprAtIdTpr95)} | {Cell(one, "fprAtOodTpr95", one.Metrics.FprAtOodTpr95)} |");
        }
        if (report.Conformal.Count > 0)
        {
            Line($"");
            Line($"In-distribution rows refused at alpha = {spec.Alpha}, by p-value. Promised: on average over calibrations, and the share that 95 % of calibrations stay below. Kolmogorov-Smirnov: distance of the p-values from uniform and its p-value, the calibration counted as a sample.");
            Line($"");
            Line($"| score | rows | calibrated on | refused | interval | promised | KS distance | KS p |");
            Line($"|---|---|---|---|---|---|---|---|");
            foreach (ConformalReport one in report.Conformal)
                Line($"| {one.Score} | {one.Rows} | {one.Calibrated} | {one.Refused:F4} | {one.RefusedInterval.Low:F4} to {one.RefusedInterval.High:F4} | {one.Guarantee.Mean:F4}, {one.Guarantee.Upper95:F4} | {one.Uniform.Distance:F4} | {one.Uniform.PValue:F3} |");
        }
        if (report.Classification is { } classes)
        {
            Line($"");
            Line($"Classification of {classes.Rows} rows: accuracy {classes.Accuracy:F4}; expected calibration error (15 bins) {classes.ErrorBefore:F4} before the temperature and {classes.ErrorAfter:F4} after it.");
            Line($"");
            Line($"| answered, those of largest p-values first | accuracy on them |");
            Line($"|---|---|");
            foreach (int point in new[] { 49, 69, 79, 89, 94, 97, 98, 99 }.Where(point => point < classes.Coverage.Count))
                Line($"| {classes.Coverage[point]:P0} | {classes.AccuracyAt[point]:F4} |");
        }
        return text.ToString();
    }

    private static string Cell(ComparisonReport report, string name, double value) => report.Intervals.TryGetValue(name, out Interval? interval)
        ? string.Create(CultureInfo.InvariantCulture, $"{value:F4} ({interval.Low:F4} to {interval.High:F4})")
        : value.ToString("F4", CultureInfo.InvariantCulture);
}
