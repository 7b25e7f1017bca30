using System.Globalization;
using EbmService.Inference.Training;

namespace EbmService.Cli.Training;

/// <summary>One iteration's figures as text.</summary>
internal static class TrainingLine
{
    public static string Figures(TrainingProgress progress, bool labelled, double chainStepsPerSecond)
    {
        string classes = labelled ? $"  cross-entropy {progress.CrossEntropy:F3}  accuracy {progress.Accuracy:F3}" : "";
        return string.Create(CultureInfo.InvariantCulture,
            $"E data {progress.EnergyData:F3}  E samples {progress.EnergySamples:F3}{classes}  {chainStepsPerSecond:N0} chain-steps/s");
    }

    public static string Time(TimeSpan time) => time.ToString(@"h\:mm\:ss", CultureInfo.InvariantCulture);
}
