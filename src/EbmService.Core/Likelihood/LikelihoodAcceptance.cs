using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;

namespace EbmService.Core.Likelihood;

/// <summary>Makes a likelihood spec of a request: fills in every default by what the model can do, and checks all of it together.</summary>
public static class LikelihoodAcceptance
{
    public const int MaxChains = 65_536;
    public const int MaxBridges = 100_000;
    public const int MaxRows = 10_000_000;
    private const long MaxSeed = (1L << 53) - 1;

    /// <summary>How often a transition holds each number of a state, and a pass with gradient each number of a layer.</summary>
    private const double CopiesOfStates = 20, CopiesOfLayers = 6;

    public static async Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken)
    {
        LikelihoodRequest request = (LikelihoodRequest?)proposal.Request ?? new();
        HostedModel model = proposal.Model;
        var errors = new List<FieldError>();
        AcceptedRows? rows = null;
        if (request.Inputs is not null)
        {
            Outcome<AcceptedRows> found = await RowsAcceptance.AcceptAsync(
                request.Inputs, "inputs", LikelihoodSpec.RowsFile, model, proposal, request.OutOfRange, cancellationToken);
            if (!found.Succeeded && found.Failure.Fields.Count == 0)
                return found.Failure;
            errors.AddRange(found.Failure?.Fields ?? []);
            rows = found.Value;
        }
        LikelihoodSpec spec = Complete(request, proposal, rows?.Spec);
        CheckNumbers(spec, request, errors);
        CheckModel(spec, request, model, errors);
        CheckRaise(spec, request, model, errors);
        if (errors.Count == 0)
            CheckCost(spec, model, proposal.Limits, errors);
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        return new AcceptedJob(spec)
        {
            Footprint = FootprintOf(spec, model),
            Warnings = rows?.Warning is { } warning ? [warning] : [],
            Attachments = rows?.Attachments ?? new Dictionary<string, byte[]>(),
        };
    }

    private static LikelihoodSpec Complete(LikelihoodRequest request, JobProposal proposal, RowsSpec? rows)
    {
        HostedModel model = proposal.Model;
        InputSchema input = model.Descriptor!.Input;
        LikelihoodKernel kernel = request.Kernel ?? LikelihoodRules.KernelsOf(model.Capabilities).FirstOrDefault(LikelihoodKernel.Hmc);
        LikelihoodBase start = request.Base
            ?? (kernel == LikelihoodKernel.Gibbs && model.BufferSize > 0 && HasBufferBase(model, kernel) ? LikelihoodBase.Buffer : LikelihoodBase.Uniform);
        bool listed = LikelihoodRules.ListedStates(input) is not null;
        LikelihoodStart reverse = request.ReverseStart ?? (listed ? LikelihoodStart.Exact : model.BufferSize > 0 ? LikelihoodStart.Buffer : LikelihoodStart.Base);
        bool isNormal = start == LikelihoodBase.Normal;
        return new LikelihoodSpec
        {
            Rows = rows,
            Chains = request.Chains ?? 100,
            Bridges = request.Ladder is { Count: > 1 } ladder ? ladder.Count - 1 : request.Bridges ?? 1000,
            Transitions = request.Transitions ?? 1,
            Kernel = kernel,
            LeapfrogSteps = kernel == LikelihoodKernel.Hmc ? request.LeapfrogSteps ?? 10 : 0,
            StepSize = request.StepSize,
            Ladder = request.Ladder,
            PilotChains = request.PilotChains ?? 32,
            Temperature = request.Temperature ?? 1,
            Base = start,
            BaseMean = isNormal ? request.BaseMean ?? (input.Min + input.Max) / 2 : request.BaseMean,
            BaseDeviation = isNormal ? request.BaseDeviation ?? (input.Max - input.Min) / 4 : request.BaseDeviation,
            ReverseStart = reverse,
            ReverseSteps = reverse == LikelihoodStart.Exact ? request.ReverseSteps ?? 0 : request.ReverseSteps ?? 1000,
            Raise = request.Raise,
            DequantisationLevels = request.DequantisationLevels,
            Tolerance = request.Tolerance ?? 1,
            Confidence = request.Confidence ?? 0.95,
            Seed = request.Seed ?? proposal.NewSeed(),
            BlockSize = request.BlockSize ?? 50,
        };
    }

    private static void CheckNumbers(LikelihoodSpec spec, LikelihoodRequest request, List<FieldError> errors)
    {
        Require(errors, spec.Chains is >= 2 and <= MaxChains, "chains", $"must be between 2 and {MaxChains}.");
        Require(errors, (request.Bridges ?? spec.Bridges) is >= 1 and <= MaxBridges, "bridges", $"must be between 1 and {MaxBridges}.");
        Require(errors, spec.Transitions is >= 1 and <= 1000, "transitions", "must be between 1 and 1000.");
        Require(errors, spec.PilotChains is >= 8 and <= 4096, "pilotChains", "must be between 8 and 4096.");
        Require(errors, double.IsFinite(spec.Temperature) && spec.Temperature > 0, "temperature", "must be a finite number above 0.");
        Require(errors, spec.ReverseSteps is >= 0 and <= 1_000_000, "reverseSteps", "must be between 0 and 1000000.");
        Require(errors, spec.Tolerance > 0 && double.IsFinite(spec.Tolerance), "tolerance", "must be a finite number of nats above 0.");
        Require(errors, spec.Confidence is > 0.5 and < 1, "confidence", "must be above 0.5 and below 1.");
        Require(errors, spec.Seed is >= 0 and <= MaxSeed, "seed", "must be between 0 and 2^53 - 1.");
        Require(errors, spec.BlockSize is >= 1 and <= 4096, "blockSize", "must be between 1 and 4096.");
        Require(errors, spec.DequantisationLevels is null or (>= 2 and <= 65_536), "dequantisationLevels", "must be between 2 and 65536.");
        Require(errors, request.StepSize is null or > 0 && double.IsFinite(request.StepSize ?? 1), "stepSize", "must be a finite number above 0.");
        Require(errors, spec.Kernel != LikelihoodKernel.Hmc || spec.LeapfrogSteps is >= 1 and <= 1000, "leapfrogSteps", "must be between 1 and 1000.");
        if (request.Ladder is not { } ladder)
            return;
        bool ascends = ladder.Count >= 2 && ladder[0] == 0 && ladder[^1] == 1 && ladder.Zip(ladder.Skip(1)).All(pair => pair.First < pair.Second);
        Require(errors, ascends && ladder.Count - 1 <= MaxBridges, "ladder", $"must ascend from 0 to 1, in {MaxBridges} steps at most.");
        Require(errors, request.Bridges is null || request.Bridges == ladder.Count - 1, "bridges", $"is {ladder.Count - 1} of the ladder given: leave it out.");
    }

    private static void CheckModel(LikelihoodSpec spec, LikelihoodRequest request, HostedModel model, List<FieldError> errors)
    {
        InputSchema input = model.Descriptor!.Input;
        IReadOnlyList<LikelihoodKernel> kernels = LikelihoodRules.KernelsOf(model.Capabilities);
        string remedy = kernels.Count > 0 ? $"use {string.Join(" or ", kernels.Select(Word))}" : "none of hmc, mala and gibbs anneals this model";
        if (CapabilityRules.Refuse(model, "spec.kernel", $"The kernel {Word(spec.Kernel)}", remedy, spec.Kernel.Needs()) is { } refusal)
            errors.Add(refusal);
        bool isGibbs = spec.Kernel == LikelihoodKernel.Gibbs;
        Require(errors, request.LeapfrogSteps is null or 0 || spec.Kernel == LikelihoodKernel.Hmc, "leapfrogSteps", "belongs to the kernel hmc: leave it out.");
        Require(errors, request.StepSize is null || !isGibbs, "stepSize", "belongs to the kernels hmc and mala: leave it out.");
        bool isNormal = spec.Base == LikelihoodBase.Normal;
        Require(errors, isNormal || request.BaseMean is null, "baseMean", "belongs to the base normal: leave it out.");
        Require(errors, isNormal || request.BaseDeviation is null, "baseDeviation", "belongs to the base normal: leave it out.");
        if (isNormal)
        {
            Require(errors, !isGibbs && input.Variables == VariableKind.Continuous, "base", "normal needs continuous variables: use uniform.");
            Require(errors, double.IsFinite(spec.BaseMean!.Value), "baseMean", "must be a finite number.");
            Require(errors, spec.BaseDeviation > 0 && double.IsFinite(spec.BaseDeviation.Value), "baseDeviation", "must be a finite number above 0.");
        }
        bool takesBuffer = HasBufferBase(model, spec.Kernel);
        if (spec.Base == LikelihoodBase.Buffer && (model.BufferSize == 0 || !takesBuffer))
        {
            errors.Add(new("spec.base",
                takesBuffer ? $"The model '{model.Key.Name}' has no replay buffer: use uniform."
                    : $"The model '{model.Key.Name}' has no path from independent variables of given means: use uniform.", FailureCode.NotSupported));
        }
        if (spec.ReverseStart == LikelihoodStart.Buffer && model.BufferSize == 0)
            errors.Add(new("spec.reverseStart", $"The model '{model.Key.Name}' has no replay buffer: use base.", FailureCode.NotSupported));
        if (spec.ReverseStart == LikelihoodStart.Exact && LikelihoodRules.ListedStates(input) is null)
        {
            errors.Add(new("spec.reverseStart",
                $"Exact samples need at most {LikelihoodRules.MaxListedStates} states of discrete variables: use buffer or base.", FailureCode.NotSupported));
        }
        if (spec.DequantisationLevels is not null)
            Require(errors, input.Variables == VariableKind.Continuous, "dequantisationLevels", "belongs to continuous variables: leave it out.");
    }

    private static void CheckRaise(LikelihoodSpec spec, LikelihoodRequest request, HostedModel model, List<FieldError> errors)
    {
        if (spec.Raise is not { } raise)
            return;
        if (request.Inputs is null)
            Require(errors, false, "raise", "is about rows: give inputs, or leave it out.");
        else if (spec.Rows is { } rows)
            Require(errors, raise.Rows >= 1 && raise.Rows <= rows.Count, "raise.rows", $"must be between 1 and {rows.Count}, the number of rows.");
        Require(errors, raise.Chains is >= 1 and <= 1000, "raise.chains", "must be between 1 and 1000.");
        Require(errors, (long)raise.Rows * raise.Chains <= MaxChains, "raise.rows", $"times raise.chains must be at most {MaxChains}.");
        if (model.Capabilities.Latents.Count > 0)
            errors.Add(new("spec.raise", $"The estimate is of the model's input alone, and rows of '{model.Key.Name}' hold latent variables: leave it out.", FailureCode.NotSupported));
    }

    private static void CheckCost(LikelihoodSpec spec, HostedModel model, JobLimits limits, List<FieldError> errors)
    {
        double passes = Math.Max(1, spec.LeapfrogSteps), length = model.Descriptor!.Input.Length();
        double chains = 2.0 * spec.Chains + (spec.Raise is { } raise ? (double)raise.Rows * raise.Chains : 0);
        // Every block of chains runs the pilot anew.
        double pilots = spec.NeedsPilot ? spec.PilotChains * Math.Ceiling(2.0 * spec.Chains / spec.BlockSize) : 0;
        double cost = length * (passes * ((chains + pilots) * spec.Bridges * spec.Transitions + (double)spec.Chains * spec.ReverseSteps) + (spec.Rows?.Count ?? 0));
        if (cost > limits.MaxElementSteps)
        {
            errors.Add(new("spec.bridges",
                $"Chains (with {pilots:G3} of pilots: fewer in larger blocks) x bridges x transitions x gradients x input size is {cost:G3}, over this server's limit of {limits.MaxElementSteps:G3}: ask for fewer.",
                FailureCode.OverPolicy));
        }
        if (spec.Rows is { Count: > MaxRows })
            errors.Add(new("spec.inputs", $"{spec.Rows.Count} rows are over the limit of {MaxRows}: ask in parts.", FailureCode.OverPolicy));
    }

    /// <summary>A block's chains and a pass with gradient on a slot; log weights and the rows' numbers as results.</summary>
    private static JobFootprint FootprintOf(LikelihoodSpec spec, HostedModel model)
    {
        double length = model.Descriptor!.Input.Length();
        double chains = Math.Max(Math.Min(spec.BlockSize, spec.Chains), spec.PilotChains);
        double perRow = CopiesOfStates * length + CopiesOfLayers * model.ActivationsPerInput, rows = spec.Rows?.Count ?? 0;
        double blocks = 2.0 * spec.Chains / spec.BlockSize + rows / LikelihoodPlan.RowsPerBlock;
        return new JobFootprint(sizeof(float) * chains * perRow, sizeof(double) * (2.0 * spec.Chains + rows) + JobFootprint.BytesPerBlock * blocks)
        {
            StreamedBytes = sizeof(float) * rows * (length + 2),
            StepField = "spec.blockSize",
            ResultField = "spec.inputs",
        };
    }

    private static bool HasBufferBase(HostedModel model, LikelihoodKernel kernel) =>
        kernel != LikelihoodKernel.Gibbs || model.Capabilities.AnnealsFromMeans;

    private static string Word(LikelihoodKernel kernel) => kernel.ToString().ToLowerInvariant();

    private static void Require(List<FieldError> errors, bool holds, string field, string rule)
    {
        if (!holds)
            errors.Add(new($"spec.{field}", $"{field} {rule}"));
    }
}
