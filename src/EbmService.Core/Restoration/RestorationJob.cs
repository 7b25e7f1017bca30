using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Restoration;

/// <summary>The job type <c>restoration</c> as clients see it: its name, unit, metrics and examples.</summary>
public static class RestorationJob
{
    public const string Name = "restoration";

    /// <summary>Names of the metrics.</summary>
    public const string InputsDone = "inputsDone";
    public const string EnergyMean = "energyMean";
    public const string Diverged = "diverged";
    public const string Psnr = "psnr";
    public const string Judged = "judged";

    /// <summary>Rows of the reference that are compared in one step.</summary>
    public const int ReferenceTile = 1024;

    public static JobTypeDescription Description { get; } = new(
        Name,
        "Draws what is missing or damaged in inputs from exp(-E(x)) given what is known: several samples per input, their mean, deviation and intervals, and errors where the truth is given.",
        "inputSteps", typeof(RestorationRequest), typeof(RestorationSpec))
    {
        Task = ModelTask.Sampling,
        Metrics =
        [
            new(InputsDone, "Inputs restored, those for the calibration of intervals too.", MetricMerge.Sum),
            new(EnergyMean, "Mean of E(x) plus the weighed data term over the chains at their latest step.", MetricMerge.Mean),
            new(Diverged, "Chains that left the finite numbers and were frozen.", MetricMerge.Sum),
            new(Psnr, "Mean PSNR in dB of the means over the chains so far. Absent where the truth is not given.", MetricMerge.Mean, Weight: Judged),
            new(Judged, "Inputs whose truth is known, but for those of the calibration. Absent where the truth is not given.", MetricMerge.Sum),
        ],
        Examples =
        [
            new("restore-coordinate", "two-moons: the second coordinate is missing",
                """{"type": "restoration", "model": "two-moons", "spec": {"inputs": {"data": [[0, 0], [1, 0]]}, "damage": {"kind": "mask", "mask": [0, 1]}, "samples": 64, "chain": {"steps": 300}, "seed": 1}}"""),
            new("restore-mean", "two-moons: only the sum of both coordinates was measured, with noise",
                """
                {"type": "restoration", "model": "two-moons", "spec": {
                  "truth": {"data": [[0.5, 0.8], [-0.9, 0.3]]}, "damage": {"kind": "matrix", "matrix": [[1, 1]], "sigma": 0.1},
                  "samples": 64, "chain": {"kernel": "hmc", "steps": 100}, "seed": 1
                }}
                """),
            new("restore-lattice", "ising-lattice: the right half is missing",
                """
                {"type": "restoration", "model": "ising-lattice", "spec": {
                  "truth": {"data": [[[[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]]]]},
                  "damage": {"kind": "half", "side": "right"}, "chain": {"kernel": "blockedGibbs", "steps": 100}, "seed": 1
                }}
                """),
        ],
    };
}
