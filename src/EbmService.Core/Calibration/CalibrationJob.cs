using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Calibration;

/// <summary>The job type <c>calibration</c> as clients see it: its name, unit, metrics and examples.</summary>
public static class CalibrationJob
{
    public const string Name = "calibration";

    /// <summary>Rows that go through the model together.</summary>
    public const int TileRows = 64;

    /// <summary>The fewest rows: 24 to fit on, 4 to refer to, and 20 to compare with, which resolve an alpha of 0.05.</summary>
    public const int LeastRows = 48;

    /// <summary>Names of the metrics.</summary>
    public const string Stage = "stage";
    public const string Calibrated = "calibrated";

    private static string Moons => Convert.ToBase64String(NpyFormat.Write(new TensorPayload([200, 2],
    [
        .. Enumerable.Range(0, 200).SelectMany(i =>
        {
            // Two arcs, with a wobble in place of noise.
            double angle = Math.PI * (i / 2) / 100, radius = 1 + 0.1 * Math.Sin(7 * i);
            return i % 2 == 0
                ? new[] { (float)(radius * Math.Cos(angle) - 0.5), (float)(radius * Math.Sin(angle) - 0.25) }
                : [(float)(0.5 - radius * Math.Cos(angle)), (float)(0.25 - radius * Math.Sin(angle))];
        }),
    ])));

    public static JobTypeDescription Description { get; } = new(
        Name, "A named calibration of a model's OOD scores on rows of one's own.", "rows", typeof(CalibrationRequest), typeof(CalibrationSpec))
    {
        Task = ModelTask.OutOfDistribution,
        Metrics =
        [
            new(Stage, "What is under way: 1 principal components, 2 Gaussians of classes, 3 reference rows, 4 scores.", MetricMerge.Largest),
            new(Calibrated, "Rows so far whose scores p-values will compare with.", MetricMerge.Sum),
        ],
        Examples =
        [
            new("calibrate-points", "two-moons: a calibration named mine on 200 points",
                """{"type": "calibration", "model": "two-moons", "spec": {"name": "mine", "data": {"npy": "NPY"}}}""".Replace("NPY", Moons, StringComparison.Ordinal)),
        ],
    };
}
