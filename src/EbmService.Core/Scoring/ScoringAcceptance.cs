using System.Security.Cryptography;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Tensors;

namespace EbmService.Core.Scoring;

/// <summary>Makes a scoring spec of a request: finds the rows, pins them by their SHA-256, and checks what is asked of them.</summary>
public static class ScoringAcceptance
{
    public const int DefaultBlockSize = 1024;
    public const int MaxBlockSize = 65_536;

    /// <summary>As many blocks as a sampling job of the largest number of chains can have.</summary>
    public const int MaxBlocks = 65_536;

    public static async Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken)
    {
        ScoringRequest request = (ScoringRequest?)proposal.Request ?? new();
        var errors = new List<FieldError>();
        IReadOnlyList<string> outputs = request.Outputs ?? [ScoringOutput.Energy];
        CheckOutputs(outputs, request, proposal.Model, errors);
        int blockSize = request.BlockSize ?? DefaultBlockSize;
        Require(errors, blockSize is >= ScoringJob.TileRows and <= MaxBlockSize, "blockSize", $"must be between {ScoringJob.TileRows} and {MaxBlockSize}.");
        Outcome<Found> found = await FindAsync(request, proposal, cancellationToken);
        if (!found.Succeeded && found.Failure.Fields.Count == 0)
            return found.Failure;
        errors.AddRange(found.Failure?.Fields ?? []);
        if (found.Value is { } rows)
        {
            CheckRows(rows, request, outputs, proposal, errors);
            CheckBlocks(rows.Count, blockSize, errors);
        }
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        var spec = new ScoringSpec
        {
            Outputs = outputs,
            Score = outputs.Contains(ScoringOutput.PValue) ? request.Score ?? proposal.Model.Descriptor!.OodScore : null,
            Shape = found.Value!.Leading,
            Job = request.Job,
            Sha256 = found.Value.Sha256,
            BlockSize = blockSize,
        };
        return new AcceptedJob(spec)
        {
            Footprint = FootprintOf(spec, proposal.Model),
            Warnings = found.Value.Warning is { } warning ? [warning] : [],
            Attachments = found.Value.Content is { } content ? new Dictionary<string, byte[]> { [ScoringSpec.RowsFile] = content } : [],
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
        double blockRows = Math.Min(spec.BlockSize, spec.Rows);
        double tile = ScoringJob.TileRows * (length + model.ActivationsPerInput);
        double blocks = Math.Ceiling((double)spec.Rows / spec.BlockSize);
        return new JobFootprint(
            sizeof(float) * (blockRows * (length + numbers) + 2 * tile),
            sizeof(float) * blockRows * numbers + JobFootprint.BytesPerBlock * blocks)
        {
            StreamedBytes = sizeof(float) * spec.Rows * (length + numbers),
            StepField = "spec.blockSize",
            ResultField = "spec.data",
        };
    }

    private static void CheckOutputs(IReadOnlyList<string> outputs, ScoringRequest request, HostedModel model, List<FieldError> errors)
    {
        Require(errors, outputs.Count > 0 && outputs.Distinct().Count() == outputs.Count, "outputs", "must have 1 or more names, each once.");
        foreach (string output in outputs.Distinct())
        {
            if (!ScoringOutput.All.Contains(output))
                errors.Add(new("spec.outputs", $"There is no output '{output}'. Known: {string.Join(", ", ScoringOutput.All)}."));
            else if (Refuse(model, output, "spec.outputs", ScoringOutput.Of(model)) is { } refusal)
                errors.Add(refusal);
        }
        if (request.Score is not { } score)
            return;
        Require(errors, outputs.Contains(ScoringOutput.PValue), "score", "has no meaning without the output pValue: leave it out.");
        if (!ScoringOutput.IsScore(score))
            Require(errors, false, "score", $"must be one of: {string.Join(", ", ScoringOutput.All.Where(ScoringOutput.IsScore))}.");
        else if (Refuse(model, score, "spec.score", ScoringOutput.Of(model).Where(ScoringOutput.IsScore)) is { } refusal)
            errors.Add(refusal);
    }

    /// <returns>Why the model doesn't have the output; null where it has.</returns>
    private static FieldError? Refuse(HostedModel model, string output, string field, IEnumerable<string> offered)
    {
        string subject = $"The output {output}", remedy = $"ask for some of {string.Join(", ", offered)}";
        if (CapabilityRules.Refuse(model, field, subject, remedy, ScoringOutput.Needs(output)) is { } refusal)
            return refusal;
        return ScoringOutput.NeedsCalibration(output) && model.CalibrationId is null
            ? new(field, $"{subject} needs a calibration, which the model '{model.Key.Name}' does not have: {remedy}.",
                FailureCode.NotSupported)
            : null;
    }

    /// <summary>The array that the request means, or field errors.</summary>
    private static async Task<Outcome<Found>> FindAsync(ScoringRequest request, JobProposal proposal, CancellationToken cancellationToken)
    {
        int given = (request.Data is null ? 0 : 1) + (request.Npy is null ? 0 : 1) + (request.Job is null ? 0 : 1);
        if (given != 1)
            return Refuse("data", "Give the rows as exactly one of data, npy and job.");
        if (request.Job is { } source)
            return await FindAsync(source, proposal, cancellationToken);
        try
        {
            TensorPayload rows = request.Data ?? NpyFormat.Read(Convert.FromBase64String(request.Npy!));
            string field = request.Data is null ? "npy" : "data";
            if (LeadingOf(rows.Shape, proposal.Model) is not { } leading)
                return RefuseShape(field, rows.Shape, proposal.Model);
            int bad = Array.FindIndex(rows.Values, value => !float.IsFinite(value));
            if (bad >= 0)
                return Refuse(field, $"Must be finite numbers: row {bad / proposal.Model.Descriptor!.Input.Length()} has one that is not.");
            if (request.OutOfRange != OutOfRange.Allow && InputValues.FindOutside(rows, proposal.Model.Descriptor!.Input) is { } outside)
                return Refuse(field + rows.PathOf(outside.Index), outside.Rule);
            byte[] content = NpyFormat.Write(rows);
            string? warning = InputValues.WarningOf(rows, proposal.Model.Descriptor!.Input);
            return new Found(leading, Convert.ToHexStringLower(SHA256.HashData(content)), content, warning is null ? null : $"spec.{field}: {warning}");
        }
        catch (FormatException broken)
        {
            return Refuse("npy", $"Must be a .npy file in base64: {broken.Message}.");
        }
    }

    private static async Task<Outcome<Found>> FindAsync(ScoringSource source, JobProposal proposal, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> found = await proposal.Results.FindAsync(source.Id, cancellationToken);
        if (!found.Succeeded)
            return found.Failure.Code == FailureCode.JobNotFound ? Refuse("job.id", $"There is no job '{source.Id}': GET /v1/jobs lists them.") : found.Failure;
        JobSnapshot job = found.Value;
        if (!job.Status.IsTerminal())
            return Refuse("job.id", $"The job '{job.Id}' has not ended: its results are not there yet.");
        if (job.Results.FirstOrDefault(entry => entry.Name == source.Result) is not { } entry)
            return Refuse("job.result", $"The job '{job.Id}' left no '{source.Result}': it left {string.Join(", ", job.Results.Select(result => result.Name))}.");
        Outcome<JobResult> opened = await proposal.Results.OpenResultAsync(job.Id, entry.Name, cancellationToken);
        if (!opened.Succeeded)
            return Refuse("job.result", opened.Failure.Message);
        await using Stream content = opened.Value.Content;
        var head = new byte[NpyFormat.HeaderBytes];
        int read = await content.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
        try
        {
            NpyHeader header = NpyHeader.Read(head.AsSpan(0, read));
            if (LeadingOf(header.Shape, proposal.Model) is not { } leading)
                return RefuseShape("job.result", header.Shape, proposal.Model);
            return header.IsPlain(entry.Size)
                ? new Found(leading, entry.Sha256)
                : Refuse("job.result", $"'{entry.Name}' holds no float32 numbers in C order.");
        }
        catch (FormatException broken)
        {
            return Refuse("job.result", $"'{entry.Name}' is no .npy file: {broken.Message}.");
        }
    }

    private static void CheckRows(Found rows, ScoringRequest request, IReadOnlyList<string> outputs, JobProposal proposal, List<FieldError> errors)
    {
        InputSchema input = proposal.Model.Descriptor!.Input;
        double count = rows.Count;
        Require(errors, request.Shape is null || request.Shape.SequenceEqual(rows.Leading), "shape", $"is [{string.Join(", ", rows.Leading)}] of the rows given.");
        Require(errors, request.Sha256 is null || request.Sha256.Equals(rows.Sha256, StringComparison.OrdinalIgnoreCase), "sha256", $"is {rows.Sha256} of the rows given.");
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

    /// <summary>Sizes before those of one input; null where the array is none of rows. One bare input is one row.</summary>
    private static IReadOnlyList<int>? LeadingOf(IReadOnlyList<int> shape, HostedModel model)
    {
        IReadOnlyList<int> input = model.Descriptor!.Input.Shape;
        int leading = shape.Count - input.Count;
        if (leading < 0 || !shape.Skip(leading).SequenceEqual(input) || shape.Any(size => size < 1) || TensorPayload.ElementCount(shape) / model.Descriptor.Input.Length() > int.MaxValue)
            return null;
        return leading == 0 ? [1] : [.. shape.Take(leading)];
    }

    private static Failure RefuseShape(string field, IReadOnlyList<int> shape, HostedModel model) => Refuse(field,
        $"Must have the shape [n, {string.Join(", ", model.Descriptor!.Input.Shape)}]; it has [{string.Join(", ", shape)}].");

    private static Failure Refuse(string field, string message) => Failure.OfFields([new FieldError($"spec.{field}", message)]);

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

    /// <param name="Content">The file, where it came with the request.</param>
    private sealed record Found(IReadOnlyList<int> Leading, string Sha256, byte[]? Content = null, string? Warning = null)
    {
        public long Count => Leading.Aggregate(1L, (product, size) => product * size);
    }
}
