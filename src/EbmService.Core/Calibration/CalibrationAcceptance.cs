using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Scoring;

namespace EbmService.Core.Calibration;

/// <summary>Makes a calibration's spec of a request.</summary>
public static class CalibrationAcceptance
{
    private const int MaxName = 64;

    public static async Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken)
    {
        CalibrationRequest request = (CalibrationRequest?)proposal.Request ?? new();
        HostedModel model = proposal.Model;
        var errors = new List<FieldError>();
        bool chains = request.Chains ?? false;
        if (request.Name is not { } name || !IsName(name) || name == CalibrationEntry.Bundled)
            errors.Add(new("spec.name", $"name is 1 to {MaxName} letters, digits, '-', '_' and '.', beginning with a letter or a digit, and not '{CalibrationEntry.Bundled}'."));
        string score = request.Score ?? ScoringOutput.Combined;
        IReadOnlyList<string> offered = Scores(model, chains);
        if (!offered.Contains(score))
            errors.Add(new("spec.score", $"score must be one of: {string.Join(", ", offered)}{(chains ? "" : "; chainDisplacement and energyDrop need \"chains\": true")}."));
        if (request.Seed is < 0 or >= 1L << 53)
            errors.Add(new("spec.seed", "seed must be from 0 to 2^53 - 1."));
        Outcome<AcceptedRows> found = await RowsAcceptance.AcceptAsync(
            request.Data, "data", CalibrationSpec.RowsFile, model, proposal, request.OutOfRange, cancellationToken);
        if (!found.Succeeded && found.Failure.Fields.Count == 0)
            return found.Failure;
        errors.AddRange(found.Failure?.Fields ?? []);
        if (found.Value is { } rows)
        {
            CheckRows(rows.Spec.Count, chains, proposal, errors);
            if (RowsAcceptance.FaultOfLabels(rows.Spec, proposal, "data") is { } fault)
                errors.Add(fault);
        }
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        var spec = new CalibrationSpec
        {
            Name = request.Name!,
            Data = found.Value!.Spec,
            Score = score,
            Chains = chains,
            MakeDefault = request.MakeDefault ?? false,
            Seed = request.Seed ?? proposal.NewSeed(),
        };
        return new AcceptedJob(spec)
        {
            Footprint = FootprintOf(spec, model),
            Warnings = found.Value.Warning is { } warning ? [warning] : [],
            Attachments = found.Value.Attachments,
        };
    }

    /// <summary>The scores that a calibration of the model can have.</summary>
    public static IReadOnlyList<string> Scores(HostedModel model, bool chains) =>
    [
        .. ScoringOutput.All.Where(output => ScoringOutput.IsScore(output)
            && CapabilityRules.Allows(model.Capabilities, ScoringOutput.Needs(output)) && (chains || !ScoringOutput.IsOfChains(output))),
    ];

    private static void CheckRows(int count, bool chains, JobProposal proposal, List<FieldError> errors)
    {
        if (count < CalibrationJob.LeastRows)
            errors.Add(new("spec.data", $"data has {count} rows: half of them are fitted on, and the rest must resolve an alpha of 0.05: {CalibrationJob.LeastRows} at least are needed."));
        double passes = (double)count * proposal.Model.Descriptor!.Input.Length() * (chains ? 14 : 4);
        if (passes > proposal.Limits.MaxElementSteps)
            errors.Add(new("spec.data", $"rows x input size x passes is {passes:G3}, over this server's limit of {proposal.Limits.MaxElementSteps:G3}: calibrate on fewer.", FailureCode.OverPolicy));
    }

    /// <summary>Sums of three layers in float64 and one tile's pass with gradient; what is fitted and the scores.</summary>
    private static JobFootprint FootprintOf(CalibrationSpec spec, HostedModel model)
    {
        const double width = 1600, scores = 16;
        double tile = CalibrationJob.TileRows * (10.0 * model.Descriptor!.Input.Length() + model.ActivationsPerInput);
        double layer = Math.Min(width, model.ActivationsPerInput + model.Descriptor.Input.Length());
        return new JobFootprint(
            sizeof(float) * 2 * tile + 3 * sizeof(double) * 3 * layer * layer,
            3 * sizeof(double) * layer * layer + sizeof(float) * spec.Data.Count * scores)
        {
            StepField = "spec.data",
            ResultField = "spec.data",
        };
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= MaxName && char.IsAsciiLetterOrDigit(name[0])
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');
}
