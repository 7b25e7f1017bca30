using System.Globalization;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Sampling;

namespace EbmService.Core.Robustness;

/// <summary>Makes a robustness spec of a request: finds and pins the rows, fills in defaults, and checks the attack against both models.</summary>
public static class RobustnessAcceptance
{
    public const int DefaultBlockSize = 128;
    public const int MaxBlockSize = 4096;
    public const int MaxRadii = 32;
    public const int MaxSteps = 1000;
    public const int MaxRestarts = 20;
    public const int MaxChainSteps = 200;
    public const int MaxChains = 100;
    private const int MaxBlocks = 65_536;

    private static readonly double[] s_shares = [1 / 12.0, 1 / 6.0, 1 / 4.0, 1 / 3.0, 1 / 2.0, 2 / 3.0, 5 / 6.0, 1];

    public static async Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken)
    {
        RobustnessRequest request = (RobustnessRequest?)proposal.Request ?? new();
        HostedModel model = proposal.Model;
        var errors = new List<FieldError>();
        HostedModel? source = proposal.Optional.GetValueOrDefault(RobustnessJob.SourceRole);
        CheckModels(model, source, errors);
        Require(errors, request.Transfer is null || request.Transfer == source is not null, "transfer",
            "is true where a source is among the models, else false: name the source in models, with the role source, or leave it out.");
        RefinementSpec? refinement = request.Refinement is { } asked ? Refine(asked, model, errors) : null;
        RobustnessSpec draft = Draft(request, refinement, source is not null, proposal);
        CheckAttack(request, draft, model.Descriptor!.Input, errors);
        Outcome<AcceptedRows> found = await RowsAcceptance.AcceptAsync(
            request.Inputs, "inputs", RobustnessSpec.InputsFile, model, proposal, null, cancellationToken);
        if (!found.Succeeded && found.Failure.Fields.Count == 0)
            return found.Failure;
        errors.AddRange(found.Failure?.Fields ?? []);
        if (found.Value is { } rows)
        {
            Require(errors, rows.Spec.HasLabels, "inputs.labels", "are needed, one class index per row: give them, or a dataset that has them.");
            draft = draft with { Rows = rows.Spec };
            if (RowsAcceptance.FaultOfLabels(rows.Spec, proposal, "inputs") is { } fault)
                errors.Add(fault);
            if (errors.Count == 0)
                CheckCost(draft, proposal, errors);
        }
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        return new AcceptedJob(draft)
        {
            Footprint = FootprintOf(draft, model),
            Warnings = found.Value!.Warning is { } warning ? [warning] : [],
            Attachments = found.Value.Attachments,
        };
    }

    private static RobustnessSpec Draft(RobustnessRequest request, RefinementSpec? refinement, bool transfer, JobProposal proposal)
    {
        AttackMethod method = request.Method ?? AttackMethod.Pgd;
        AttackNorm norm = request.Norm ?? AttackNorm.Linf;
        bool isPgd = method == AttackMethod.Pgd;
        int steps = isPgd ? request.Steps ?? 40 : 1;
        double largest = Math.Min(norm == AttackNorm.Linf ? 0.3 : 3, LargestRadius(norm, proposal.Model.Descriptor!.Input));
        return new RobustnessSpec
        {
            Rows = new RowsSpec { Count = 1, Sha256 = "", File = RobustnessSpec.InputsFile },
            Method = method,
            Norm = norm,
            Radii = request.Radii ?? [.. s_shares.Select(share => Math.Round(largest * share, 6))],
            Steps = steps,
            StepSize = request.StepSize ?? (isPgd ? Math.Min(1, 2.5 / Math.Max(1, steps)) : 1),
            Restarts = request.Restarts ?? 1,
            RandomStart = request.RandomStart ?? isPgd,
            Refinement = refinement,
            Seed = request.Seed ?? proposal.NewSeed(),
            BlockSize = request.BlockSize ?? DefaultBlockSize,
            Transfer = transfer,
        };
    }

    /// <summary>Beyond it, every input can become every other.</summary>
    private static double LargestRadius(AttackNorm norm, InputSchema input) => norm == AttackNorm.Linf ? 1 : Math.Sqrt(input.Length());

    private static void CheckModels(HostedModel model, HostedModel? source, List<FieldError> errors)
    {
        foreach ((HostedModel one, string field) in source is null ? [(model, "model")] : new[] { (model, "model"), (source, "models") })
        {
            if (CapabilityRules.Refuse(one, field, "An attack by gradients", "use a model of continuous inputs with classes",
                ModelCapability.ContinuousVariables, ModelCapability.Differentiable, ModelCapability.Classes) is { } refusal)
                errors.Add(refusal);
        }
        if (source is null)
            return;
        InputSchema input = model.Descriptor!.Input, other = source.Descriptor!.Input;
        bool same = input.Shape.SequenceEqual(other.Shape) && (input.Min, input.Max) == (other.Min, other.Max)
            && model.Capabilities.Classes == source.Capabilities.Classes;
        if (!same)
        {
            errors.Add(new("models", string.Create(CultureInfo.InvariantCulture,
                $"The source takes [{string.Join(", ", other.Shape)}] in {other.Min:G6} to {other.Max:G6} with {source.Capabilities.Classes} classes, the model [{string.Join(", ", input.Shape)}] in {input.Min:G6} to {input.Max:G6} with {model.Capabilities.Classes}: they must be the same.")));
        }
    }

    private static RefinementSpec Refine(RefinementRequest request, HostedModel model, List<FieldError> errors)
    {
        ModelDescriptor descriptor = model.Descriptor!;
        string name = request.Recipe ?? descriptor.DefaultRecipe;
        SgldRecipe? recipe = SgldRecipes.Find(descriptor, name);
        Require(errors, recipe is not null, "refinement.recipe",
            $"is none of the model's: it has {string.Join(", ", descriptor.Recipes.Keys.Concat(SgldRecipes.BuiltIn.Keys))}.");
        bool isPart = request is { Steps: null, Recipe: null, StepSize: null, Noise: null };
        Require(errors, request.Chain is null || isPart, "refinement.chain", "stands in place of steps, recipe, stepSize and noise: leave those out.");
        int steps = request.Chain?.Steps ?? request.Steps ?? 10, chains = request.Chains ?? 5;
        Require(errors, steps is >= 1 and <= MaxChainSteps, "refinement.steps", $"must be between 1 and {MaxChainSteps}.");
        Require(errors, chains is >= 1 and <= MaxChains, "refinement.chains", $"must be between 1 and {MaxChains}.");
        SgldRecipe chain = (request.Chain ?? recipe ?? SgldRecipes.BuiltIn[SgldRecipes.Langevin]) with { Steps = Math.Max(1, steps), Start = ChainStart.Data, FreshShare = 0 };
        if (request.StepSize is { } size)
            chain = chain with { StepSize = size, Schedule = new Schedule() };
        if (request.Noise is { } noise)
            chain = chain with { Noise = noise, Temperature = null, TemperatureSchedule = new Schedule() };
        foreach ((string member, string rule) in SgldRecipeRules.Faults(chain))
            Require(errors, false, $"refinement.{member}", rule);
        return new RefinementSpec(chain, chains, request.Gradient ?? RefinementGradient.ThroughChain);
    }

    private static void CheckAttack(RobustnessRequest request, RobustnessSpec spec, InputSchema input, List<FieldError> errors)
    {
        double largest = LargestRadius(spec.Norm, input);
        Require(errors, spec.Radii.Count is >= 1 and <= MaxRadii, "radii", $"must be 1 to {MaxRadii} numbers.");
        Require(errors, spec.Radii.All(radius => radius > 0 && radius <= largest), "radii", string.Create(CultureInfo.InvariantCulture,
            $"must be above 0 and at most {largest:G6}, in units of a range [0, 1]: beyond it every input can become every other."));
        Require(errors, spec.Radii.Zip(spec.Radii.Skip(1)).All(pair => pair.First < pair.Second), "radii", "must ascend.");
        Require(errors, spec.Steps is >= 1 and <= MaxSteps, "steps", $"must be between 1 and {MaxSteps}.");
        Require(errors, spec.StepSize is > 0 and <= 2, "stepSize", "must be above 0 and at most 2: it is a share of the radius.");
        Require(errors, spec.Restarts is >= 1 and <= MaxRestarts, "restarts", $"must be between 1 and {MaxRestarts}.");
        Require(errors, spec.Restarts <= 1 || spec.RandomStart, "restarts", "of runs without a random start are all the same: leave them out.");
        Require(errors, spec.BlockSize is >= 8 and <= MaxBlockSize, "blockSize", $"must be between 8 and {MaxBlockSize}.");
        Require(errors, spec.Seed is >= 0 and < 1L << 53, "seed", "must be at least 0 and below 2^53.");
        if (spec.Method != AttackMethod.Fgsm)
            return;
        foreach ((string member, bool isGiven) in new[] { ("steps", request.Steps > 1), ("stepSize", request.StepSize is not (null or 1)), ("restarts", request.Restarts > 1), ("randomStart", request.RandomStart is true) })
            Require(errors, !isGiven, member, "has no meaning for fgsm, which is one step of the whole radius: leave it out, or use pgd.");
    }

    private static void CheckCost(RobustnessSpec spec, JobProposal proposal, List<FieldError> errors)
    {
        double rows = spec.Rows.Count, length = proposal.Model.Descriptor!.Input.Length();
        double gradients = spec.Radii.Count * (double)spec.Restarts * (spec.Steps + 1);
        double chain = spec.Refinement is { } refinement
            ? refinement.Chains * (1.0 + refinement.Chain.Steps * (refinement.Gradient == RefinementGradient.ThroughChain ? 3 : 1)) : 0;
        double cost = rows * length * gradients * (1 + chain + (spec.Transfer ? 2 : 0));
        Limit(errors, cost <= proposal.Limits.MaxElementSteps, "radii",
            $"rows x input size x gradients is up to {cost:G3}, over this server's limit of {proposal.Limits.MaxElementSteps:G3}: fewer rows, radii, steps, restarts or chains.");
        Limit(errors, rows * length <= proposal.Limits.MaxResultNumbers, "inputs",
            $"{rows:G6} rows are {rows * length:G3} numbers in one result, over this server's limit of {proposal.Limits.MaxResultNumbers:G3}: attack them in parts.");
        long blocks = ((long)spec.Rows.Count + spec.BlockSize - 1) / spec.BlockSize;
        Limit(errors, blocks <= MaxBlocks, "blockSize", $"gives {blocks} blocks, over the limit of {MaxBlocks}: make it larger.");
    }

    /// <summary>A block's rows with their examples of every curve, and a tile's pass; the examples of all rows on the disk.</summary>
    private static JobFootprint FootprintOf(RobustnessSpec spec, HostedModel model)
    {
        double length = model.Descriptor!.Input.Length(), curves = spec.Curves.Count;
        double tile = RobustnessJob.TileRows * (length * (8 + (spec.Refinement?.Chain.Steps ?? 0) * 3) + 6 * model.ActivationsPerInput);
        double block = Math.Min(spec.BlockSize, spec.Rows.Count) * length;
        return new JobFootprint(sizeof(float) * (block * (2 + 2 * curves) + tile), sizeof(float) * spec.Rows.Count * length * curves)
        {
            StreamedBytes = sizeof(float) * spec.Rows.Count * length * curves,
            StepField = "spec.blockSize",
            ResultField = "spec.inputs",
        };
    }

    private static void Require(List<FieldError> errors, bool holds, string field, string rule)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", $"{field} {rule}"));
    }

    private static void Limit(List<FieldError> errors, bool holds, string field, string message)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", message, FailureCode.OverPolicy));
    }
}
