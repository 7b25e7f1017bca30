using System.Globalization;
using System.Text;
using EbmService.Inference.Ood;

namespace EbmService.Inference.JobTypes.Calibration;

/// <summary>The file calibration.md.</summary>
internal static class CalibrationText
{
    public static string Of(CalibrationCard card)
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        Line($"# Calibration {card.Spec.Name} of {card.Models[0].Name}/{card.Models[0].Version}");
        Line($"");
        Line($"Rows: {card.FitRows} fitted on, {card.ReferenceRows} for reference, {card.CalibrationRows} calibrated on, drawn by seed {card.Spec.Seed}. No row served twice.");
        if (!card.Complete)
            Line($"It was left before its end ({card.Stopped}) and is kept nowhere.");
        Line($"Default score: {card.Spec.Score}. Scores: {string.Join(", ", card.Scores)}.");
        Line($"");
        Line($"A new row like these is called out of distribution at alpha with a probability of at most alpha, on average over calibrations (marginal);");
        Line($"given this very calibration the false-positive rate is a draw of a Beta distribution (training-conditional, Vovk 2012), if the score has no ties:");
        Line($"");
        Line($"| alpha | mean rate | below it in 95 % of calibrations |");
        Line($"|---|---|---|");
        foreach (ConformalGuarantee guarantee in card.Guarantee)
            Line($"| {guarantee.Alpha:G3} | {guarantee.Mean:F4} | {guarantee.Upper95:F4} |");
        if (card.Classification is { } report)
        {
            Line($"");
            Line(card.Temperature is { } temperature
                ? $"Temperature of the logits: {temperature:F4}, by least negative log-likelihood on the reference rows. On the calibrated rows:"
                : (FormattableString)$"No temperature: the reference rows have no likeliest one (all classified rightly, or all wrongly), so logits stay as they are. On the calibrated rows:");
            Line($"");
            Line($"| | accuracy | NLL | ECE (15 bins) |");
            Line($"|---|---|---|---|");
            Line($"| before | {report.Accuracy:F4} | {report.LikelihoodBefore:F4} | {report.ErrorBefore:F4} |");
            Line($"| after | {report.Accuracy:F4} | {report.LikelihoodAfter:F4} | {report.ErrorAfter:F4} |");
        }
        return text.ToString();
    }
}
