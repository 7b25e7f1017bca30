using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Sampling;

namespace EbmService.Core.Editing;

/// <summary>Makes an editing spec of a request.</summary>
public static class EditingAcceptance
{
    public const int DefaultSteps = 100;
    public const int DefaultBlockSize = 32;
    public const int MaxBlockSize = 1024;

    public static async Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken)
    {
        EditingRequest request = (EditingRequest?)proposal.Request ?? new();
        HostedModel model = proposal.Model;
        var errors = new List<FieldError>();
        bool hasTarget = request.Target is not null || request.Targets is not null;
        EditingOperation operation = request.Operation ?? (hasTarget ? EditingOperation.Morph : EditingOperation.Project);
        if (CapabilityRules.Refuse(model, "spec.operation", "An edit", "use a model of continuous variables with a gradient",
                ModelCapability.ContinuousVariables, ModelCapability.Differentiable) is { } refusal)
            errors.Add(refusal);
        Outcome<AcceptedRows> rows = await RowsAcceptance.AcceptAsync(
            request.Inputs, "inputs", EditingSpec.InputsFile, model, proposal, request.OutOfRange, cancellationToken);
        if (!rows.Succeeded && rows.Failure.Fields.Count == 0)
            return rows.Failure;
        errors.AddRange(rows.Failure?.Fields ?? []);
        CheckTargets(request, operation, model, rows.Value?.Spec.Count, errors);
        SgldRecipe? recipe = SgldRecipes.Find(model.Descriptor!, model.Descriptor!.DefaultRecipe);
        int steps = request.Steps ?? DefaultSteps;
        Require(errors, steps >= 1, "steps", "must be at least 1.");
        if (steps > proposal.Limits.MaxSteps)
            errors.Add(new("spec.steps", $"{steps} steps are over this server's limit of {proposal.Limits.MaxSteps}.", FailureCode.OverPolicy));
        double stepSize = request.StepSize ?? recipe?.StepSize ?? 0.01;
        Require(errors, double.IsFinite(stepSize) && stepSize > 0, "stepSize", "must be above 0.");
        GradientClip clip = request.GradientClip ?? recipe?.GradientClip ?? new();
        Require(errors, clip.Kind == GradientClipKind.None || clip.Limit > 0, "gradientClip", "needs a limit above 0.");
        Require(errors, request.Leash is not { } leash || (double.IsFinite(leash) && leash > 0), "leash", "must be above 0.");
        bool isCounterfactual = operation == EditingOperation.Counterfactual;
        Require(errors, isCounterfactual || request.Confidence is null, "confidence", "is of counterfactuals alone: leave it out.");
        Require(errors, request.Confidence is not { } sure || (sure > 0 && sure < 1), "confidence", "must be above 0 and below 1.");
        Require(errors, isCounterfactual || request.EnergyWeight is null, "energyWeight", "is of counterfactuals alone: leave it out.");
        Require(errors, request.EnergyWeight is not { } weight || (double.IsFinite(weight) && weight >= 0), "energyWeight", "must be at least 0.");
        int blockSize = request.BlockSize ?? DefaultBlockSize;
        Require(errors, blockSize is >= 1 and <= MaxBlockSize, "blockSize", $"must be between 1 and {MaxBlockSize}.");
        if (rows.Value is { } found)
            CheckSize(found.Spec.Count, steps, proposal, errors);
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        var spec = new EditingSpec
        {
            Rows = rows.Value!.Spec, Operation = operation, Target = request.Target, Targets = request.Targets, Steps = steps, StepSize = stepSize,
            GradientClip = clip, Leash = request.Leash, Confidence = isCounterfactual ? request.Confidence ?? 0.5 : null,
            EnergyWeight = isCounterfactual ? request.EnergyWeight ?? 0.1 : null, BlockSize = blockSize,
        };
        return new AcceptedJob(spec)
        {
            Footprint = FootprintOf(spec, model),
            Warnings = [.. new[] { rows.Value.Warning }.OfType<string>()],
            Attachments = rows.Value.Attachments,
        };
    }

    private static void CheckTargets(EditingRequest request, EditingOperation operation, HostedModel model, int? rows, List<FieldError> errors)
    {
        Require(errors, request.Target is null || request.Targets is null, "targets", "and target exclude each other: give one.");
        bool hasTarget = request.Target is not null || request.Targets is not null;
        if (operation == EditingOperation.Project)
        {
            if (request.Target is not null || request.Targets is not null)
                errors.Add(new("spec.target", "A projection has no class to go to: leave it out, or ask for the operation morph."));
            return;
        }
        if (CapabilityRules.Refuse(model, "spec.operation", "An edit to a class", "ask for the operation project", ModelCapability.Classes) is { } refusal)
        {
            errors.Add(refusal);
            return;
        }
        Require(errors, hasTarget || operation == EditingOperation.Counterfactual, "target", "must be the class to go to.");
        int classes = model.Capabilities.Classes;
        foreach (int target in (request.Targets ?? []).Concat(request.Target is { } one ? [one] : []).Where(target => target < 0 || target >= classes).Take(1))
            errors.Add(new(request.Target is null ? "spec.targets" : "spec.target", $"{target} is no class: they go from 0 to {classes - 1}."));
        if (request.Targets is { } each && rows is { } count)
            Require(errors, each.Count == count, "targets", $"must be one class per row: {count} rows, {each.Count} targets.");
    }

    private static void CheckSize(int rows, int steps, JobProposal proposal, List<FieldError> errors)
    {
        double numbers = (double)rows * proposal.Model.Descriptor!.Input.Length();
        if (numbers > proposal.Limits.MaxResultNumbers)
            errors.Add(new("spec.inputs", $"rows x numbers in one input are {numbers:G3}, over this server's limit of {proposal.Limits.MaxResultNumbers:G3}.", FailureCode.OverPolicy));
        if (2 * numbers * steps > proposal.Limits.MaxElementSteps)
            errors.Add(new("spec.steps", $"Gradients x numbers in one input are {2 * numbers * steps:G3}, over this server's limit of {proposal.Limits.MaxElementSteps:G3}.", FailureCode.OverPolicy));
    }

    private static JobFootprint FootprintOf(EditingSpec spec, HostedModel model)
    {
        double length = model.Descriptor!.Input.Length(), blockRows = Math.Min(spec.BlockSize, spec.Rows.Count);
        return new JobFootprint(
            sizeof(float) * (blockRows * 6 * length + 2.0 * 8 * model.ActivationsPerInput),
            sizeof(float) * blockRows * length + JobFootprint.BytesPerBlock * Math.Ceiling((double)spec.Rows.Count / spec.BlockSize))
        {
            StreamedBytes = 2.0 * sizeof(float) * spec.Rows.Count * length,
            StepField = "spec.blockSize",
            ResultField = "spec.inputs",
        };
    }

    private static void Require(List<FieldError> errors, bool holds, string field, string rule)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", $"{field} {rule}"));
    }
}
