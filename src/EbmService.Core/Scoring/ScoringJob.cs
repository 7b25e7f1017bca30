using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Scoring;

/// <summary>The job type <c>scoring</c> as clients see it: its name, unit, metrics and examples.</summary>
public static class ScoringJob
{
    public const string Name = "scoring";

    /// <summary>Names of the metrics.</summary>
    public const string EnergyMean = "energyMean";
    public const string EnergyMin = "energyMin";
    public const string EnergyMax = "energyMax";
    public const string Finite = "finite";
    public const string NotFinite = "notFinite";
    public const string PValues = "pValues";
    public const string PValueMean = "pValueMean";

    /// <summary>Rows that go through the model together; a row's numbers do not depend on the others.</summary>
    public const int TileRows = 8;

    private static string ThreePoints =>
        Convert.ToBase64String(Tensors.NpyFormat.Write(new Tensors.TensorPayload([3, 2], [0.5f, 0.2f, -0.5f, 0.75f, 3, 3])));

    public static JobTypeDescription Description { get; } = new(
        Name, "Energies, logits, OOD scores and p-values of an array of any length.", "rows", typeof(ScoringRequest), typeof(ScoringSpec))
    {
        Task = ModelTask.Energy,
        Metrics =
        [
            new(EnergyMean, "Mean of E(x) over the finite rows so far.", MetricMerge.Mean, Weight: Finite),
            new(EnergyMin, "The smallest energy so far.", MetricMerge.Smallest),
            new(EnergyMax, "The largest energy so far.", MetricMerge.Largest),
            new(Finite, "Rows so far whose energy is a finite number.", MetricMerge.Sum),
            new(NotFinite, "Rows whose energy is no finite number.", MetricMerge.Sum),
            new(PValueMean, "Mean p-value so far; about 0.5 for data like the calibration's. Absent where p-values are not asked for.",
                MetricMerge.Mean, Weight: PValues),
            new(PValues, "Rows so far that have a p-value: those whose score is a finite number. Absent where p-values are not asked for.",
                MetricMerge.Sum),
        ],
        Examples =
        [
            new("score-points", "two-moons: energies and p-values of three points",
                """{"type": "scoring", "model": "two-moons", "spec": {"outputs": ["energy", "approximateMass", "pValue"], "data": [[0.5, 0.2], [-0.5, 0.75], [3, 3]]}}"""),
            new("score-npy", "two-moons: the same as a .npy file in base64",
                """{"type": "scoring", "model": "two-moons", "spec": {"npy": "NPY"}}""".Replace("NPY", ThreePoints, StringComparison.Ordinal)),
        ],
    };
}
