using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Assessment;

/// <summary>The job type <c>assessment</c> as clients see it: its name, unit, metrics and examples.</summary>
public static class AssessmentJob
{
    public const string Name = "assessment";

    /// <summary>Rows that go through the model together, as in queries.</summary>
    public const int TileRows = 8;

    /// <summary>Names of the metrics.</summary>
    public const string Scored = "scored";
    public const string PValueMean = "pValueMean";
    public const string PValues = "pValues";

    public static JobTypeDescription Description { get; } = new(
        Name, "How well a model's OOD scores tell datasets apart, with intervals, curves and a card.", "rows", typeof(AssessmentRequest), typeof(AssessmentSpec))
    {
        Task = ModelTask.OutOfDistribution,
        Metrics =
        [
            new(Scored, "Rows so far that have their scores.", MetricMerge.Sum),
            new(PValueMean, "Mean p-value of the in-distribution rows so far; about 0.5 for data like the calibration's.", MetricMerge.Mean, Weight: PValues),
            new(PValues, "In-distribution rows so far that have a p-value.", MetricMerge.Sum),
        ],
        Examples =
        [
            new("assess-points", "two-moons: points on the arcs against points far off",
                """
                {"type": "assessment", "model": "two-moons", "spec": {
                  "inDistribution": {"data": [[0.5, 0.2], [-0.5, 0.75], [0.4, 0.3], [-1.4, -0.2], [0.2, 0.6], [1.4, 0.2], [0.9, -0.7], [0.1, -0.6]]},
                  "outOfDistribution": [{"name": "far", "rows": {"data": [[3, 3], [-3, 2.5], [3, -3], [-3, -3], [2.5, 2.5], [0, 3]]}}]}}
                """),
        ],
    };
}
