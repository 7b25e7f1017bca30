using EbmService.Core.Calibration;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;

namespace EbmService.Core.Scoring;

/// <summary>Makes a scoring spec of a request: finds the rows, pins them by their SHA-256, and checks what is asked of them.</summary>
public static class ScoringAcceptance
{
    public const int DefaultBlockSize = 1024;
    public const int MaxBlockSize = 65_536;

    /// <summary>As many blocks as a sampling job of the largest number of chains can have.</summary>
    public const int MaxBlocks = 65_536;

    /// <param name="calibrations">Those that jobs have made.</param>
    public static async Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, ICalibrations calibrations, CancellationToken cancellationToken)
    {
        ScoringRequest request = (ScoringRequest?)proposal.Request ?? new();
        var errors = new List<FieldError>();
        IReadOnlyList<string> outputs = request.Outputs ?? [ScoringOutput.Energy];
        (CalibrationChoice calibration, FieldError? missing) =
            CalibrationChoice.Find(calibrations.VisibleTo(proposal.Tenant), proposal.Model, request.Calibration);
        bool isCalibrated = outputs.Any(ScoringOutput.NeedsCalibration);
        if (missing is not null)
            errors.Add(missing);
        else
        {
            calibration.Compare(request.CalibrationId, errors);
            Require(errors, request.Calibration is null || isCalibrated, "calibration", "has no meaning without pValue or a score that a calibration brings along: leave it out.");
            CheckOutputs(outputs, request, proposal.Model, calibration, errors);
        }
        int blockSize = request.BlockSize ?? DefaultBlockSize;
        Require(errors, blockSize is >= ScoringJob.TileRows and <= MaxBlockSize, "blockSize", $"must be between {ScoringJob.TileRows} and {MaxBlockSize}.");
        Outcome<AcceptedRows> found = await RowsAcceptance.AcceptAsync(
            request.Rows, "", ScoringSpec.RowsFile, proposal.Model, proposal, request.OutOfRange, cancellationToken);
        if (!found.Succeeded && found.Failure.Fields.Count == 0)
            return found.Failure;
        errors.AddRange(found.Failure?.Fields ?? []);
        if (found.Value is { } rows)
        {
            CheckRows(rows, request, outputs, proposal, errors);
            CheckBlocks(rows.Spec.Count, blockSize, errors);
        }
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        var spec = new ScoringSpec
        {
            Outputs = outputs,
            Score = outputs.Contains(ScoringOutput.PValue) ? request.Score ?? calibration.Score : null,
            Calibration = isCalibrated ? calibration.Reference : null,
            CalibrationId = isCalibrated ? calibration.Id : null,
            Shape = found.Value!.Leading,
            Dataset = request.Dataset,
            Offset = found.Value.Spec.Offset,
            Binarise = found.Value.Spec.Binarise,
            Job = request.Job,
            Sha256 = found.Value.Spec.Sha256,
            BlockSize = blockSize,
        };
        return new AcceptedJob(spec)
        {
            Footprint = FootprintOf(spec, proposal.Model),
            Warnings = found.Value.Warning is { } warning ? [warning] : [],
            Attachments = found.Value.Attachments,
        };
    }

    /// <summary>
    /// A block's rows, its numbers and one tile's pass with gradient on a slot; the rows
    /// and the numbers of every row on the disk; what the engine keeps of each block.
    /// </summary>
    private static JobFootprint FootprintOf(ScoringSpec spec, HostedModel model)
    {
        double length = model.Descriptor!.Input.Length();
        double numbers = spec.Outputs.Sum(output => output == ScoringOutput.Logits ? model.Capabilities.Classes : 1) + 1;
        double blockRows = Math.Min(spec.BlockSize, spec.Count);
        double tile = ScoringJob.TileRows * (length + model.ActivationsPerInput);
        double blocks = Math.Ceiling((double)spec.Count / spec.BlockSize);
        return new JobFootprint(
            sizeof(float) * (blockRows * (length + numbers) + 2 * tile),
            sizeof(float) * blockRows * numbers + JobFootprint.BytesPerBlock * blocks)
        {
            StreamedBytes = sizeof(float) * spec.Count * (length + numbers),
            StepField = "spec.blockSize",
            ResultField = "spec.data",
        };
    }

    private static void CheckOutputs(IReadOnlyList<string> outputs, ScoringRequest request, HostedModel model, CalibrationChoice calibration, List<FieldError> errors)
    {
        Require(errors, outputs.Count > 0 && outputs.Distinct().Count() == outputs.Count, "outputs", "must have 1 or more names, each once.");
        foreach (string output in outputs.Distinct())
        {
            if (!ScoringOutput.All.Contains(output))
                errors.Add(new("spec.outputs", $"There is no output '{output}'. Known: {string.Join(", ", ScoringOutput.All)}."));
            else if (Refuse(model, calibration, output, "spec.outputs") is { } refusal)
                errors.Add(refusal);
        }
        if (request.Score is not { } score)
            return;
        Require(errors, outputs.Contains(ScoringOutput.PValue), "score", "has no meaning without the output pValue: leave it out.");
        if (!ScoringOutput.IsScore(score))
            Require(errors, false, "score", $"must be one of: {string.Join(", ", ScoringOutput.All.Where(ScoringOutput.IsScore))}.");
        else if (Refuse(model, calibration, score, "spec.score") is { } refusal)
            errors.Add(refusal);
    }

    /// <returns>Why the model doesn't have the output, or the score behind p-values; null where it has.</returns>
    private static FieldError? Refuse(HostedModel model, CalibrationChoice calibration, string output, string field)
    {
        IEnumerable<string> offered = ScoringOutput.Of(model, calibration).Where(name => field == "spec.outputs" || ScoringOutput.IsScore(name));
        string subject = $"The output {output}", remedy = $"ask for some of {string.Join(", ", offered)}";
        if (CapabilityRules.Refuse(model, field, subject, remedy, ScoringOutput.Needs(output)) is { } refusal)
            return refusal;
        if (calibration.Has(output))
            return null;
        string lacking = calibration.Id is null
            ? $"needs a calibration, which the model '{model.Key.Name}' does not have" : $"is not in the calibration '{calibration.Reference}'";
        return new(field, $"{subject} {lacking}: {remedy}.", FailureCode.NotSupported);
    }

    private static void CheckRows(
        AcceptedRows rows, ScoringRequest request, IReadOnlyList<string> outputs, JobProposal proposal, List<FieldError> errors)
    {
        InputSchema input = proposal.Model.Descriptor!.Input;
        double count = rows.Spec.Count;
        Require(errors, request.Shape is null || request.Shape.SequenceEqual(rows.Leading), "shape", $"is [{string.Join(", ", rows.Leading)}] of the rows given.");
        Require(errors, request.Sha256 is null || request.Sha256.Equals(rows.Spec.Sha256, StringComparison.OrdinalIgnoreCase), "sha256", $"is {rows.Spec.Sha256} of the rows given.");
        int width = outputs.Contains(ScoringOutput.Logits) ? proposal.Model.Capabilities.Classes : 1;
        Limit(errors, count * width <= proposal.Limits.MaxResultNumbers, $"{count:G6} rows are {count * width:G3} numbers in one result, over this server's limit of {proposal.Limits.MaxResultNumbers:G3}: score them in parts.");
        double cost = count * input.Length() * outputs.Count;
        Limit(errors, cost <= proposal.Limits.MaxElementSteps, $"rows x input size x outputs is {cost:G3}, over this server's limit of {proposal.Limits.MaxElementSteps:G3}: score them in parts.");
    }

    private static void CheckBlocks(long rows, int blockSize, List<FieldError> errors)
    {
        if (blockSize < ScoringJob.TileRows)
            return;
        long blocks = (rows + blockSize - 1) / blockSize;
        if (blocks <= MaxBlocks)
            return;
        errors.Add(new("spec.blockSize",
            $"{rows} rows in blocks of {blockSize} are {blocks} blocks, over the limit of {MaxBlocks}: "
            + $"ask for a blockSize of {(rows + MaxBlocks - 1) / MaxBlocks} or more.", FailureCode.OverPolicy));
    }

    private static void Require(List<FieldError> errors, bool holds, string field, string rule)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", $"{field} {rule}"));
    }

    private static void Limit(List<FieldError> errors, bool holds, string message)
    {
        if (!holds)
            errors.Add(new("spec.data", message, FailureCode.OverPolicy));
    }
}
