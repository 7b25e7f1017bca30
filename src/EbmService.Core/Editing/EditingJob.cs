using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Editing;

/// <summary>The job type <c>editing</c> as clients see it: its name, unit, metrics and examples.</summary>
public static class EditingJob
{
    public const string Name = "editing";

    /// <summary>Names of the metrics.</summary>
    public const string EnergyMean = "energyMean";
    public const string DistanceMean = "distanceMean";
    public const string Edited = "edited";
    public const string Reached = "reached";

    public static JobTypeDescription Description { get; } = new(
        Name, "Changes inputs along the energy: to a class, by the least change that flips the class, or to the nearest place of low energy.", "rowSteps",
        typeof(EditingRequest), typeof(EditingSpec))
    {
        Task = ModelTask.Energy,
        Metrics =
        [
            new(EnergyMean, "Mean of E(x) over the edited rows so far.", MetricMerge.Mean),
            new(DistanceMean, "Mean L2 distance of the edited rows from their inputs.", MetricMerge.Mean, Weight: Edited),
            new(Edited, "Rows that are edited so far: all, but of counterfactuals those found.", MetricMerge.Sum),
            new(Reached, "Rows whose class is the wanted one so far. Absent of projections.", MetricMerge.Sum),
        ],
        Examples =
        [
            new("project-points", "two-moons: points moved to where the energy is low",
                """{"type": "editing", "model": "two-moons", "spec": {"operation": "project", "inputs": {"data": [[0, 0], [2, 2]]}, "steps": 50}}"""),
            new("counterfactual", "mnist-jem: the least change that makes a gray picture a 3",
                """{"type": "editing", "model": "mnist-jem", "spec": {"operation": "counterfactual", "target": 3, "steps": 20, "inputs": {"npy": "NPY"}}}"""
                    .Replace("NPY", GrayDigit, StringComparison.Ordinal)),
        ],
    };

    /// <summary>A bar in the middle of an empty picture.</summary>
    private static string GrayDigit
    {
        get
        {
            var pixels = new float[28 * 28];
            Array.Fill(pixels, -1);
            for (int y = 6; y < 22; y++)
                (pixels[y * 28 + 13], pixels[y * 28 + 14]) = (1, 1);
            return Convert.ToBase64String(Tensors.NpyFormat.Write(new Tensors.TensorPayload([1, 1, 28, 28], pixels)));
        }
    }
}
