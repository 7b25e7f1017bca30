using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Robustness;

/// <summary>The job type <c>robustness</c> as clients see it: its name, unit, roles, metrics and examples.</summary>
public static class RobustnessJob
{
    public const string Name = "robustness";

    /// <summary>The role of the model that examples of a transfer attack are made on.</summary>
    public const string SourceRole = "source";

    /// <summary>Names of the metrics.</summary>
    public const string RowsDone = "rowsDone";
    public const string AccuracyClean = "accuracyClean";
    public const string AccuracyAttacked = "accuracyAttacked";
    public const string Gradients = "gradients";

    /// <summary>Rows that go through a model together; a row's numbers do not depend on the others.</summary>
    public const int TileRows = 16;

    public static JobTypeDescription Description { get; } = new(
        Name, "Accuracy of a classifier under attack (FGSM, PGD) at several radii, with and without refinement by the energy's chains.", "attacks",
        typeof(RobustnessRequest), typeof(RobustnessSpec))
    {
        OptionalRoles = [SourceRole],
        Task = ModelTask.Classification,
        Metrics =
        [
            new(RowsDone, "Rows whose direct attack has ended.", MetricMerge.Sum),
            new(AccuracyClean, "Share of those rows that are classified right as they are.", MetricMerge.Mean, Weight: RowsDone),
            new(AccuracyAttacked, "Share of those rows that no attack up to the largest radius has fooled.", MetricMerge.Mean, Weight: RowsDone),
            new(Gradients, "Rows that went through a model for a gradient so far.", MetricMerge.Sum),
        ],
        Examples =
        [
            new("attack-digits", "mnist-jem: FGSM on a one and a seven of straight strokes",
                """{"type": "robustness", "model": "mnist-jem", "spec": {"inputs": {"npy": "NPY", "labels": [1, 7]}, "method": "fgsm", "radii": [0.1, 0.3]}}"""
                    .Replace("NPY", TwoStrokes, StringComparison.Ordinal)),
            new("attack-refined", "mnist-jem: PGD against the classifier with and without refinement",
                """{"type": "robustness", "model": "mnist-jem", "spec": {"inputs": {"npy": "NPY", "labels": [1, 7]}, "steps": 5, "radii": [0.1], "refinement": {"steps": 3, "chains": 2}, "seed": 1}}"""
                    .Replace("NPY", TwoStrokes, StringComparison.Ordinal)),
        ],
    };

    /// <summary>A one and a seven of straight strokes.</summary>
    private static string TwoStrokes
    {
        get
        {
            const int size = 28;
            var pixels = new float[2 * size * size];
            Array.Fill(pixels, -1);
            for (int row = 4; row < 24; row++)
            {
                Draw(0, row, 13);
                Draw(1, row, 18 - (row - 4) / 3);
            }
            for (int column = 8; column < 19; column++)
            {
                Draw(1, 4, column);
                Draw(1, 5, column);
            }
            return Convert.ToBase64String(Tensors.NpyFormat.Write(new Tensors.TensorPayload([2, 1, size, size], pixels)));

            void Draw(int picture, int row, int column) => pixels.AsSpan((picture * size + row) * size + column, 2).Fill(1);
        }
    }
}
