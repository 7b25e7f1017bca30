using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Restoration;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>A mean over inputs.</summary>
/// <param name="Low">Lower end of its 95 % confidence interval over inputs, mean +- 1.96 standard errors; null with fewer than two.</param>
internal sealed record Estimate(double Mean, double? Low, double? High)
{
    public static Estimate? Of(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
            return null;
        double mean = values.Average();
        if (values.Count < 2)
            return new Estimate(mean, null, null);
        double error = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1) / values.Count);
        return new Estimate(mean, mean - 1.96 * error, mean + 1.96 * error);
    }
}

/// <summary>Errors of one way to restore, means over inputs. In units of the input squared, dB, and SSIM of pictures.</summary>
/// <param name="MseUnknown">Over the numbers that were not known exactly.</param>
/// <param name="PsnrGain">By how much the restoration's PSNR is above this one's, input by input; null of the restoration itself.</param>
internal sealed record MethodErrors(Estimate Mse, Estimate MseUnknown, Estimate Psnr, Estimate? Ssim, Estimate? PsnrGain);

/// <summary>Numbers whose samples deviate alike.</summary>
/// <param name="From">The smallest standard deviation of the group, in units of the input.</param>
/// <param name="Scale">Half the width of an interval over (deviation + floor); null without a calibration, and where so few numbers can't show the level: the interval is the whole range there.</param>
/// <param name="Calibrated">Numbers that the scale was fitted to.</param>
/// <param name="Numbers">Numbers of the inputs with known truth.</param>
/// <param name="Coverage">The share of those inside their intervals; null where there are none.</param>
internal sealed record IntervalGroup(double From, double? Scale, long Calibrated, long Numbers, double? Coverage);

/// <summary>Intervals of the numbers that were not known exactly.</summary>
/// <param name="Kind">calibrated: mean +- scale (deviation + floor), fitted to the calibration's rows; samples: quantiles of the samples.</param>
/// <param name="Coverage">The share of numbers whose truth lies inside, a mean over inputs; null where the truth is not known.</param>
/// <param name="Width">Mean width, in units of the input.</param>
/// <param name="SamplesCoverage">The same of the plain quantiles of the samples, which nothing calibrates.</param>
/// <param name="Groups">By deviation.</param>
internal sealed record IntervalReport(
    string Kind, double Level, double? Floor, int CalibrationRows, Estimate? Coverage, Estimate? Width, Estimate? SamplesCoverage, Estimate? SamplesWidth,
    IReadOnlyList<IntervalGroup> Groups);

/// <summary>The file restoration.json.</summary>
/// <param name="Restored">Inputs whose chains came to their end: all but after a cancel. Everything below is of them.</param>
/// <param name="Judged">Those of known truth.</param>
/// <param name="Energy">Mean E(x) of the samples, a mean over inputs.</param>
/// <param name="Diverged">Chains that left the finite numbers, those of the calibration too.</param>
/// <param name="Errors">By method: restored (the samples' mean), sample (one sample), meanFill, nearest, nearestMean (of the rows that
/// chains started from), damaged.</param>
internal sealed record RestorationSummary(
    int Inputs, int Restored, int Judged, int Samples, Estimate? Energy, int Diverged, IReadOnlyDictionary<string, MethodErrors> Errors, IntervalReport Intervals);

/// <summary>The file card.json: everything needed to understand and reproduce a result. Holds no clock times, so equal runs give equal cards.</summary>
/// <param name="Target">What the chains sample, in words.</param>
internal sealed record RestorationCard(
    IReadOnlyList<JobModel> Models, RestorationSpec Spec, string Device, string Runtime, string Software, string Target, int Inputs, int Restored, bool Complete,
    string Stopped, string Intervals, string Determinism)
{
    [JsonPropertyOrder(1)]
    public string Scope => "Means, deviations and intervals are of the chains' last points, which stand for the posterior as well as the chains do: short cold chains of an image "
        + "model give likely restorations, not fair draws. Missing frames and coarse voxels need a model with such inputs; none of the bundled models has.";

    public const string Same =
        "On a CPU, the same rows, model digest and spec give the same bits on the same kind of processor with the same runtime, whatever else runs beside it, after a pause or a "
        + "killed process. What is known exactly has its very bits in every sample. On CUDA none of this is tested.";
}
