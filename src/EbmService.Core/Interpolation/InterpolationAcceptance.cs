using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Sampling;

namespace EbmService.Core.Interpolation;

/// <summary>Makes an interpolation spec of a request.</summary>
public static class InterpolationAcceptance
{
    public const int DefaultPoints = 17;
    public const int MaxPoints = 101;
    public const int DefaultSteps = 200;

    private const int DefaultBlockPoints = 136;
    private const int MaxBlockPoints = 1024;

    public static async Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken)
    {
        InterpolationRequest request = (InterpolationRequest?)proposal.Request ?? new();
        HostedModel model = proposal.Model;
        var errors = new List<FieldError>();
        InterpolationMethod method = request.Method ?? InterpolationMethod.ElasticBand;
        bool isBand = method == InterpolationMethod.ElasticBand;
        if (CapabilityRules.Refuse(model, "spec.method", "A path", "use a model of continuous variables", ModelCapability.ContinuousVariables) is { } discrete)
            errors.Add(discrete);
        else if (isBand && CapabilityRules.Refuse(model, "spec.method", "An elastic band", "ask for the method straight", ModelCapability.Differentiable) is { } rough)
            errors.Add(rough);
        Outcome<AcceptedRows> from = await RowsAcceptance.AcceptAsync(request.From, "from", "from.npy", model, proposal, request.OutOfRange, cancellationToken);
        Outcome<AcceptedRows> to = await RowsAcceptance.AcceptAsync(request.To, "to", "to.npy", model, proposal, request.OutOfRange, cancellationToken);
        foreach (Outcome<AcceptedRows> rows in new[] { from, to })
        {
            if (!rows.Succeeded && rows.Failure.Fields.Count == 0)
                return rows.Failure;
            errors.AddRange(rows.Failure?.Fields ?? []);
        }
        if (from.Succeeded && to.Succeeded && from.Value.Spec.Count != to.Value.Spec.Count)
            errors.Add(new("spec.to", $"Must have a row for each of from: {from.Value.Spec.Count}; it has {to.Value.Spec.Count}."));
        int points = request.Points ?? DefaultPoints;
        Require(errors, points is >= 3 and <= MaxPoints, "points", $"must be between 3 and {MaxPoints}.");
        int steps = isBand ? request.Steps ?? DefaultSteps : 0;
        Require(errors, isBand || request.Steps is null or 0, "steps", "has no meaning for straight paths: leave it out.");
        Require(errors, !isBand || steps >= 1, "steps", "must be at least 1.");
        if (steps > proposal.Limits.MaxSteps)
            errors.Add(new("spec.steps", $"{steps} steps are over this server's limit of {proposal.Limits.MaxSteps}.", FailureCode.OverPolicy));
        double stepSize = request.StepSize ?? DefaultStepSize(model);
        Require(errors, double.IsFinite(stepSize) && stepSize > 0, "stepSize", "must be above 0.");
        double spring = request.SpringConstant ?? 0.1 / stepSize;
        Require(errors, double.IsFinite(spring) && spring >= 0, "springConstant", "must be at least 0.");
        if (request.Label is { } label)
        {
            if (CapabilityRules.Refuse(model, "spec.label", "A label", "leave it out", ModelCapability.Classes) is { } refusal)
                errors.Add(refusal);
            else
                Require(errors, label >= 0 && label < model.Capabilities.Classes, "label", $"must be between 0 and {model.Capabilities.Classes - 1}.");
        }
        int blockSize = request.BlockSize ?? Math.Max(1, DefaultBlockPoints / Math.Max(1, points));
        Require(errors, blockSize >= 1 && (long)blockSize * points <= MaxBlockPoints, "blockSize", $"must be at least 1, and at most {MaxBlockPoints} points in a block.");
        if (from.Value is { } known)
            CheckSize(known.Spec.Count, points, Math.Max(steps, 1), proposal, errors);
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        var spec = new InterpolationSpec
        {
            From = from.Value!.Spec, To = to.Value!.Spec, Method = method, Points = points, Steps = steps, Climb = isBand && (request.Climb ?? true),
            StepSize = stepSize, SpringConstant = spring, Label = request.Label, BlockSize = blockSize,
        };
        return new AcceptedJob(spec)
        {
            Footprint = FootprintOf(spec, model),
            Warnings = [.. new[] { from.Value.Warning, to.Value.Warning }.OfType<string>()],
            Attachments = from.Value.Attachments.Concat(to.Value.Attachments).ToDictionary(file => file.Key, file => file.Value),
        };
    }

    private static double DefaultStepSize(HostedModel model) => SgldRecipes.Find(model.Descriptor!, model.Descriptor!.DefaultRecipe)?.StepSize ?? 0.01;

    private static void CheckSize(int paths, int points, int steps, JobProposal proposal, List<FieldError> errors)
    {
        double numbers = (double)paths * points * proposal.Model.Descriptor!.Input.Length();
        if (numbers > proposal.Limits.MaxResultNumbers)
            errors.Add(new("spec.points", $"paths x points x numbers in one input are {numbers:G3}, over this server's limit of {proposal.Limits.MaxResultNumbers:G3}.", FailureCode.OverPolicy));
        if (numbers * steps > proposal.Limits.MaxElementSteps)
            errors.Add(new("spec.steps", $"steps x paths x points x numbers in one input are {numbers * steps:G3}, over this server's limit of {proposal.Limits.MaxElementSteps:G3}.", FailureCode.OverPolicy));
    }

    private static JobFootprint FootprintOf(InterpolationSpec spec, HostedModel model)
    {
        double length = model.Descriptor!.Input.Length(), blockPoints = (double)Math.Min(spec.BlockSize, spec.Paths) * spec.Points;
        return new JobFootprint(
            blockPoints * (4 * sizeof(double) + 2 * sizeof(float)) * length + 2.0 * sizeof(float) * 8 * model.ActivationsPerInput,
            sizeof(float) * blockPoints * length + JobFootprint.BytesPerBlock * Math.Ceiling((double)spec.Paths / spec.BlockSize))
        {
            StreamedBytes = 2.0 * sizeof(double) * spec.Paths * spec.Points * length,
            StepField = "spec.blockSize",
            ResultField = "spec.points",
        };
    }

    private static void Require(List<FieldError> errors, bool holds, string field, string rule)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", $"{field} {rule}"));
    }
}
