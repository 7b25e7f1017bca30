using System.Globalization;

namespace EbmService.Inference.Tests.JobTypes;

/// <summary>What the contract tests ask of one job type; every registered type has one. Requests are the member <c>spec</c>, for the model named.</summary>
public sealed record JobTypeCase
{
    public required string Type { get; init; }

    /// <value>A request that says nothing, and the members that its spec must fill in.</value>
    public required (string Model, string Spec, IReadOnlyDictionary<string, string> Defaults) Least { get; init; }

    /// <value>Several things wrong at once, and every field that must be named.</value>
    public required (string Model, string Spec, IReadOnlyList<string> Fields) Wrong { get; init; }

    /// <value>
    /// Small jobs of several blocks and steps, the last block smaller, or of one block where work has no parts; together they show every metric of the type.
    /// </value>
    public required IReadOnlyList<(string Model, string Spec)> Jobs { get; init; }

    /// <value>How many items the first of the jobs has.</value>
    public required int Items { get; init; }

    public override string ToString() => Type;

    /// <summary>One line per type.</summary>
    public static TheoryData<JobTypeCase> All =>
    [
        Sampling.SamplingCase.Case,
        Scoring.ScoringCase.Case,
        Training.TrainingCase.Case,
        Interpolation.InterpolationCase.Case,
        Editing.EditingCase.Case,
        Restoration.RestorationCase.Case,
        Likelihood.LikelihoodCase.Case,
        Robustness.RobustnessCase.Case,
        Calibration.CalibrationCase.Case,
        Assessment.AssessmentCase.Case,
    ];

    /// <summary>Numbers that look random, as a JSON list of rows.</summary>
    internal static string Rows(int rows, int length, int first = 0) => "[" + string.Join(", ", Enumerable.Range(first, rows - first).Select(row =>
        "[" + string.Join(", ", Enumerable.Range(0, length).Select(i => Math.Sin(1 + 17 * row + 5 * i).ToString("R", CultureInfo.InvariantCulture))) + "]")) + "]";
}
