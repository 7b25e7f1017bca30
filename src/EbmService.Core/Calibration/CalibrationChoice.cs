using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Scoring;

namespace EbmService.Core.Calibration;

/// <summary>The calibration that a request for a job means, as its spec pins it.</summary>
/// <param name="Reference">name@version, or bundled.</param>
/// <param name="Id">Of its file; null where the version has none.</param>
/// <param name="Scores">Those that it has p-values of.</param>
/// <param name="Score">The score that is meant where a request names none.</param>
public sealed record CalibrationChoice(string Reference, string? Id, IReadOnlyList<string> Scores, string Score)
{
    /// <value>1 / (calibration rows + 1): no p-value is below it; null without a calibration.</value>
    public double? SmallestPValue { get; init; }

    /// <param name="name">A name, name@version or bundled; null for the version's default.</param>
    /// <returns>The default with an error beside it where there is none of that name.</returns>
    public static (CalibrationChoice Choice, FieldError? Error) Find(ICalibrations calibrations, HostedModel model, string? name)
    {
        CalibrationEntry? entry = name == CalibrationEntry.Bundled ? null : calibrations.Find(model.Reference(), name);
        bool isMissing = name is not null && name != CalibrationEntry.Bundled && entry is null;
        FieldError? error = isMissing
            ? new("spec.calibration", $"The version {model.Key} has no calibration '{name}': GET /v1/models/{model.Key.Name}/calibrations lists them.") : null;
        CalibrationChoice choice = entry is not null
            ? new(entry.Reference, entry.Id, entry.Scores, entry.Score) { SmallestPValue = entry.SmallestPValue }
            : new(CalibrationEntry.Bundled, model.CalibrationId, model.CalibratedScores, ScoringOutput.DefaultScore(model)) { SmallestPValue = model.SmallestPValue };
        return (choice, error);
    }

    /// <summary>Holds the id that a request names, as a spec shows it, against the one that is there now.</summary>
    public void Compare(string? id, List<FieldError> errors)
    {
        if (id is not null && id != Id)
            errors.Add(new("spec.calibrationId", $"The calibration {Reference} is {Id ?? "not there"}: leave calibrationId out to take it."));
    }

    /// <summary>Whether it has what the output needs of it.</summary>
    public bool Has(string output) => !ScoringOutput.NeedsCalibration(output) || (output == ScoringOutput.PValue ? Id is not null : Scores.Contains(output));
}
