using System.Globalization;
using System.Text;

namespace EbmService.Inference.Assessment;

/// <summary>A report as Markdown tables.</summary>
public static class AssessmentCard
{
    public static string Render(AssessmentReport report)
    {
        var text = new StringBuilder();
        Line(text, $"Version {report.Model.Version} (`{report.Model.Digest}`), measured on {report.Data}, seed {report.Seed}, {report.Device}{(report.Quick ? ", **quick**" : "")}:");
        Line(text, $"`{report.Command}`");
        text.Append('\n');
        if (report.Classification is { } classification)
            Table(text, ["test images", "accuracy", "NLL", "ECE (15 bins)", "mean E(x)"],
                [[$"{classification.Count}", F($"{classification.Accuracy:P2}"), F($"{classification.NegativeLogLikelihood:F4}"), F($"{classification.ExpectedCalibrationError:F4}"), F($"{report.EnergyMean:F3}")]]);
        OutOfDistribution(text, report);
        Images(text, report);
        Vectors(text, report);
        return text.ToString().TrimEnd() + "\n";
    }

    private static void OutOfDistribution(StringBuilder text, AssessmentReport report)
    {
        if (report.OutOfDistribution.Count == 0)
            return;
        Line(text, $"Out of distribution, higher score = more in-distribution. Columns: AUROC, AUPR (ID positive), AUPR (OOD positive), OOD accepted at 95 % ID accepted, ID rejected at 95 % OOD caught.");
        text.Append('\n');
        Table(text, ["set", "score", "AUROC", "AUPR in", "AUPR out", "fprAtIdTpr95", "fprAtOodTpr95"],
            report.OutOfDistribution.Select(ood => new[]
            {
                $"{ood.Set} ({ood.Count})", ood.Score, F($"{ood.Metrics.Auroc:F4}"), F($"{ood.Metrics.AuprIn:F4}"), F($"{ood.Metrics.AuprOut:F4}"),
                F($"{ood.Metrics.FprAtIdTpr95:F4}"), F($"{ood.Metrics.FprAtOodTpr95:F4}"),
            }));
        if (report.ConformalShareAt05.Count > 0)
        {
            Line(text, $"Share of test rows with a conformal p-value of at most 0.05 (should be about 0.05): {string.Join(", ", report.ConformalShareAt05.Select(share => F($"{share.Key} {share.Value:F3}")))}.");
            text.Append('\n');
        }
    }

    private static void Images(StringBuilder text, AssessmentReport report)
    {
        if (report.IndependentClassifier is not { } judge)
            return;
        Line(text, $"Class-conditional samples from uniform noise, judged by an independent classifier ({judge.Parameters} parameters, {F($"{judge.TestAccuracy:P2}")} right on the test images). Diversity: mean distance within a class over that of real images. Nearest: mean (least) distance to a training image over that of test images.");
        text.Append('\n');
        Table(text, ["steps", "chains", "called as asked", "confidence", "diversity", "nearest", "mean E"],
            report.ImageSamples.Select(samples => new[]
            {
                $"{samples.Steps}", $"{samples.Chains}", F($"{samples.Agreement:P1}"), F($"{samples.Confidence:F3}"), F($"{samples.Diversity:F2}"),
                F($"{samples.NearestTrainingDistance:F2} ({samples.NearestTrainingDistanceLeast:F2})"), F($"{samples.EnergyMean:F3}"),
            }));
        Table(text, ["called as asked, per class", .. Enumerable.Range(0, report.ImageSamples[0].AgreementPerClass.Count).Select(c => $"{c}")],
            report.ImageSamples.Select(samples => new[] { $"{samples.Steps} steps" }.Concat(samples.AgreementPerClass.Select(share => F($"{share:F2}"))).ToArray()));
    }

    private static void Vectors(StringBuilder text, AssessmentReport report)
    {
        if (report.VectorSamples.Count == 0)
            return;
        Line(text, $"Samples from uniform starts against test rows (mean E of the test rows {F($"{report.EnergyMean:F3}")}). Energy distance (unbiased): 0 = equal distributions; in brackets what two sets of test rows of that size give.");
        text.Append('\n');
        Table(text, ["steps", "chains", "energy distance", "within 3 sigma of the moons", "on the upper moon", "mean E"],
            report.VectorSamples.Select(samples => new[]
            {
                $"{samples.Steps}", $"{samples.Chains}", F($"{samples.EnergyDistance:F5} ({samples.EnergyDistanceOfData:F5})"),
                samples.NearMoons is { } near ? F($"{near:P1} (data {samples.NearMoonsOfData:P1})") : "",
                samples.UpperMoon is { } upper ? F($"{upper:P1}") : "", F($"{samples.EnergyMean:F3}"),
            }));
    }

    private static void Table(StringBuilder text, IReadOnlyList<string> head, IEnumerable<string[]> rows)
    {
        Line(text, $"| {string.Join(" | ", head)} |");
        Line(text, $"|{string.Concat(Enumerable.Repeat("---|", head.Count))}");
        foreach (string[] row in rows)
            Line(text, $"| {string.Join(" | ", row)} |");
        text.Append('\n');
    }

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
