using System.Globalization;
using EbmService.Core.Calibration;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Scoring;

namespace EbmService.Core.Assessment;

/// <summary>Makes an assessment's spec of a request.</summary>
public static class AssessmentAcceptance
{
    private const int MaxSets = 16, MaxName = 64, MaxBootstrap = 10_000, MaxBlockSize = 65_536, MaxBlocks = 65_536, DefaultBlockSize = 1024;

    /// <param name="calibrations">Those that jobs have made.</param>
    public static async Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, ICalibrations calibrations, CancellationToken cancellationToken)
    {
        AssessmentRequest request = (AssessmentRequest?)proposal.Request ?? new();
        HostedModel model = proposal.Model;
        var errors = new List<FieldError>();
        (CalibrationChoice calibration, FieldError? missing) = CalibrationChoice.Find(calibrations.VisibleTo(proposal.Tenant), model, request.Calibration);
        errors.AddRange(missing is null ? [] : [missing]);
        calibration.Compare(request.CalibrationId, errors);
        string score = request.Score ?? calibration.Score;
        IReadOnlyList<string> offered = [.. CalibrationAcceptance.Scores(model, chains: true).Where(calibration.Has)];
        IReadOnlyList<string> scores = request.Scores ?? [.. offered.Where(name => !ScoringOutput.IsOfChains(name) || calibration.Scores.Contains(name))];
        if (scores.Count == 0 || scores.Distinct().Count() != scores.Count || scores.Except(offered).Any())
            errors.Add(new("spec.scores", $"scores must be 1 or more of these, each once: {string.Join(", ", offered)}."));
        else if (!scores.Contains(score))
            errors.Add(new("spec.score", $"score must be one of the assessed: {string.Join(", ", scores)}."));
        double alpha = request.Alpha ?? 0.05;
        if (alpha is not (> 0 and < 1))
            errors.Add(new("spec.alpha", "alpha must be above 0 and below 1."));
        else if (calibration.SmallestPValue is { } smallest && alpha < smallest)
        {
            errors.Add(new("spec.alpha", string.Create(CultureInfo.InvariantCulture,
                $"alpha is finer than the calibration '{calibration.Reference}': its p-values are multiples of {smallest:R}, so nothing could be refused.")));
        }
        int bootstrap = request.Bootstrap ?? 200, blockSize = request.BlockSize ?? DefaultBlockSize;
        if (bootstrap is < 0 or > MaxBootstrap)
            errors.Add(new("spec.bootstrap", $"bootstrap must be from 0 to {MaxBootstrap}."));
        if (blockSize is < AssessmentJob.TileRows or > MaxBlockSize)
            errors.Add(new("spec.blockSize", $"blockSize must be between {AssessmentJob.TileRows} and {MaxBlockSize}."));
        if (request.Seed is < 0 or >= 1L << 53)
            errors.Add(new("spec.seed", "seed must be from 0 to 2^53 - 1."));
        (IReadOnlyList<AcceptedRows> sets, Failure? failed) = await FindAsync(request, model, proposal, errors, cancellationToken);
        if (failed is not null)
            return failed;
        if (sets.Count > 0 && RowsAcceptance.FaultOfLabels(sets[0].Spec, proposal, "inDistribution") is { } fault)
            errors.Add(fault);
        if (errors.Count == 0)
            CheckSize(sets, scores, blockSize, proposal, errors);
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        var spec = new AssessmentSpec
        {
            InDistribution = sets[0].Spec,
            OutOfDistribution = [.. sets.Skip(1).Zip(request.OutOfDistribution!, (rows, set) => new NamedRowsSpec(set.Name!, rows.Spec))],
            Scores = scores, Score = score, Calibration = calibration.Reference,
            CalibrationId = calibration.Id,
            Alpha = alpha, Bootstrap = bootstrap, Seed = request.Seed ?? 1, BlockSize = blockSize,
        };
        return new AcceptedJob(spec)
        {
            Footprint = FootprintOf(spec, model),
            Warnings = [.. sets.Select(set => set.Warning).OfType<string>()],
            Attachments = sets.SelectMany(set => set.Attachments).ToDictionary(file => file.Key, file => file.Value),
        };
    }

    private static async Task<(IReadOnlyList<AcceptedRows> Sets, Failure? Failed)> FindAsync(
        AssessmentRequest request, HostedModel model, JobProposal proposal, List<FieldError> errors, CancellationToken cancellationToken)
    {
        IReadOnlyList<NamedRows> others = request.OutOfDistribution ?? [];
        if (others.Count is < 1 or > MaxSets)
            errors.Add(new("spec.outOfDistribution", $"outOfDistribution must have 1 to {MaxSets} sets."));
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "inDistribution" };
        var sets = new List<AcceptedRows>();
        foreach ((int i, RowsSource? source) in others.Take(MaxSets).Select(set => set.Rows).Prepend(request.InDistribution).Index())
        {
            string field = i == 0 ? "inDistribution" : $"outOfDistribution[{i - 1}]";
            if (i > 0 && (others[i - 1].Name is not { } name || !IsName(name) || !names.Add(name)))
                errors.Add(new($"spec.{field}.name", $"name is 1 to {MaxName} letters, digits, '-', '_' and '.', and another one than the other sets'."));
            Outcome<AcceptedRows> found = await RowsAcceptance.AcceptAsync(
                source, i == 0 ? field : field + ".rows", $"set{i}.npy", model, proposal, request.OutOfRange, cancellationToken);
            if (!found.Succeeded && found.Failure.Fields.Count == 0)
                return (sets, found.Failure);
            errors.AddRange(found.Failure?.Fields ?? []);
            if (found.Value is { } rows)
                sets.Add(rows);
        }
        return (sets, null);
    }

    private static void CheckSize(IReadOnlyList<AcceptedRows> sets, IReadOnlyList<string> scores, int blockSize, JobProposal proposal, List<FieldError> errors)
    {
        double rows = sets.Sum(set => (double)set.Spec.Count);
        double cost = rows * proposal.Model.Descriptor!.Input.Length() * (4 + (scores.Any(ScoringOutput.IsOfChains) ? 11 : 0));
        if (cost > proposal.Limits.MaxElementSteps || rows > proposal.Limits.MaxResultNumbers || rows / blockSize > MaxBlocks - MaxSets)
            errors.Add(new("spec.inDistribution", $"{rows:G6} rows are over this server's limits: assess fewer.", FailureCode.OverPolicy));
    }

    /// <summary>A block's rows, its scores and one tile's pass; the scores of all rows.</summary>
    private static JobFootprint FootprintOf(AssessmentSpec spec, HostedModel model)
    {
        double length = model.Descriptor!.Input.Length(), numbers = spec.Scores.Count + 4;
        double blockRows = Math.Min(spec.BlockSize, spec.Count), tile = AssessmentJob.TileRows * (length + model.ActivationsPerInput);
        return new JobFootprint(
            sizeof(float) * (blockRows * (length + numbers) + 2 * tile),
            sizeof(float) * blockRows * numbers + JobFootprint.BytesPerBlock * Math.Ceiling((double)spec.Count / spec.BlockSize))
        {
            StreamedBytes = sizeof(float) * spec.Count * (length + numbers),
            StepField = "spec.blockSize",
            ResultField = "spec.inDistribution",
        };
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= MaxName && char.IsAsciiLetterOrDigit(name[0])
        && name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');
}
