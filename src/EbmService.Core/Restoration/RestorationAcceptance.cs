using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Sampling;

namespace EbmService.Core.Restoration;

/// <summary>Makes a restoration spec of a request: the damage, the rows, then the chains; everything that is wrong is reported together.</summary>
public static class RestorationAcceptance
{
    public const int DefaultSamples = 8;
    public const double DefaultLevel = 0.9;
    public const int MaxSamples = 1024;
    public const int MaxBlockSize = 256;

    /// <summary>Chains of a block by default.</summary>
    public const int DefaultRows = 64;

    /// <summary>Of recipes with a noise of their own, whose temperature says nothing about how the energy compares with a likelihood. A first guess that restored digits well, not tuned: docs/tasks.md.</summary>
    public const double DefaultDataWeight = 0.005;

    /// <summary>Deviations of the noise by which damaged rows may lie outside the range.</summary>
    private const double NoiseReach = 6;

    public static async Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken)
    {
        var search = new Search((RestorationRequest?)proposal.Request ?? new(), proposal);
        try
        {
            return await search.AcceptAsync(cancellationToken);
        }
        catch (FailureException refused)
        {
            return refused.Failure;
        }
    }

    private sealed class Search(RestorationRequest request, JobProposal proposal)
    {
        private readonly List<FieldError> _errors = [];
        private readonly List<string> _warnings = [];
        private readonly Dictionary<string, byte[]> _attachments = [];

        private HostedModel Model => proposal.Model;

        private InputSchema Input => Model.Descriptor!.Input;

        public async Task<Outcome<AcceptedJob>> AcceptAsync(CancellationToken cancellationToken)
        {
            if (Model.Capabilities.Latents.Count > 0)
                return Failure.OfFields([new("model", $"The model '{Model.Key.Name}' has latent variables in its inputs: restoration takes models whose inputs are all visible.", FailureCode.NotSupported)]);
            Damage? damage = request.Damage;
            Require(damage is not null, "damage", "must say how the inputs were damaged: {\"kind\": \"half\", \"side\": \"right\"}, for example.");
            int faults = _errors.Count;
            if (damage is not null)
                _errors.AddRange(DamageRules.Check(damage, Input));
            long inline = (damage?.Matrix?.Values.Length ?? 0L) + (damage?.Mask?.Values.Length ?? 0L);
            Limit(inline <= proposal.Limits.MaxInlineNumbers, "damage", $"{inline} numbers are over this server's limit of {proposal.Limits.MaxInlineNumbers} in a spec.");
            bool isSound = damage is not null && _errors.Count == faults;
            RowsSpec? inputs = request.Inputs is { } given && isSound ? await FindAsync(given, "inputs", ObservedModel(damage!), OutOfRangeOf(damage!), cancellationToken) : null;
            Require(request.Inputs is not null || request.Truth is not null, "inputs",
                "must be the damaged rows; or give truth alone, undamaged rows that the job damages itself.");
            RowsSpec? truth = await FindAsync(request.Truth, "truth", Model, request.OutOfRange, cancellationToken);
            RowsSpec? reference = await FindAsync(request.Reference, "reference", Model, request.OutOfRange, cancellationToken);
            RowsSpec? calibration = await FindAsync(request.Calibration, "calibration", Model, request.OutOfRange, cancellationToken);
            CheckRows(inputs, truth, reference, calibration);
            int samples = request.Samples ?? DefaultSamples;
            Require(samples is >= 2 and <= MaxSamples, "samples", $"must be between 2 and {MaxSamples}.");
            Require(request.Start != RestorationStart.Reference || request.Reference is not null, "start", "reference needs reference rows: give some.");
            Require(request.Start != RestorationStart.Reference || reference is null || reference.Count >= samples, "samples", $"must be at most the {reference?.Count} reference rows, one of which each chain starts from.");
            Require(request.Level is null or (> 0 and < 1), "level", "must be above 0 and below 1.");
            Require(request.DataWeight is null or (> 0 and <= 1e9), "dataWeight", "must be above 0 and at most 1e9.");
            Require(request.DataWeight is null || damage is null or { IsExact: false }, "dataWeight", "has no meaning where all that is known is known exactly: leave it out.");
            int blockSize = request.BlockSize ?? Math.Clamp(DefaultRows / Math.Max(1, samples), 1, MaxBlockSize);
            Require(blockSize is >= 1 and <= MaxBlockSize, "blockSize", $"must be between 1 and {MaxBlockSize}.");
            if (Chain(damage) is not { } chain || _errors.Count > 0)
                return Failure.OfFields(_errors);
            var spec = new RestorationSpec
            {
                Damaged = inputs, Truth = truth, Damage = Filled(damage!), Reference = reference, Calibration = calibration, Samples = samples,
                Level = request.Level ?? DefaultLevel, Seed = chain.Seed, Start = request.Start ?? (damage!.IsExact ? RestorationStart.Base : RestorationStart.Damaged),
                DataWeight = damage!.IsExact ? null : request.DataWeight ?? chain.Temperature ?? DefaultDataWeight, Chain = RestorationChain.Of(chain), BlockSize = blockSize,
            };
            CheckSize(spec);
            return _errors.Count > 0 ? Failure.OfFields(_errors) : new AcceptedJob(spec) { Footprint = FootprintOf(spec, Model), Warnings = _warnings, Attachments = _attachments };
        }

        private async Task<RowsSpec?> FindAsync(RowsSource? source, string field, HostedModel model, OutOfRange? outOfRange, CancellationToken cancellationToken)
        {
            if (source is null)
                return null;
            Outcome<AcceptedRows> found = await RowsAcceptance.AcceptAsync(source, field, $"{field}.npy", model, proposal, outOfRange, cancellationToken);
            if (!found.Succeeded && found.Failure.Fields.Count == 0)
                throw new FailureException(found.Failure);
            _errors.AddRange(found.Failure?.Fields ?? []);
            if (found.Value is not { } rows)
                return null;
            if (rows.Warning is { } warning)
                _warnings.Add(warning);
            foreach ((string name, byte[] content) in rows.Attachments)
            {
                if (name == rows.Spec.File)
                    _attachments[name] = content;
            }
            // Classes are of no use here.
            return rows.Spec with { LabelsSha256 = null, LabelsAreOfDataset = false, LabelsOffset = 0 };
        }

        /// <summary>A model whose inputs are what was observed, for the check of damaged rows: noise takes them a little out of the range and off the alphabet.</summary>
        private HostedModel ObservedModel(Damage damage)
        {
            if (damage.IsExact || damage is { Kind: DamageKind.SaltAndPepper })
                return Model;
            double reach = NoiseReach * damage.Sigma!.Value;
            IReadOnlyList<int> shape = damage.Observed(Input.Shape);
            InputSchema observed = Input with
            {
                Shape = shape, Kind = shape.Count == 3 ? Input.Kind : InputKind.Vector, Min = Input.Min - reach, Max = Input.Max + reach, Variables = VariableKind.Continuous,
            };
            return Model with { Descriptor = Model.Descriptor! with { Input = observed } };
        }

        private OutOfRange? OutOfRangeOf(Damage damage) => damage.Kind == DamageKind.Matrix ? OutOfRange.Allow : request.OutOfRange;

        /// <summary>Members that a kind takes but that were left out.</summary>
        private Damage Filled(Damage damage) => damage is { Kind: DamageKind.SaltAndPepper, Sigma: null } && Input.Variables == VariableKind.Continuous
            ? damage with { Sigma = (Input.Max - Input.Min) / 20 } : damage;

        private void CheckRows(RowsSpec? inputs, RowsSpec? truth, RowsSpec? reference, RowsSpec? calibration)
        {
            Require(inputs is null || truth is null || inputs.Count == truth.Count, "truth", $"must be as many rows as inputs: {inputs?.Count} inputs, {truth?.Count} rows.");
            Require(AreApart(calibration, truth), "calibration",
                "must be other rows than the truth: intervals that were fitted to the very rows would hold by construction.");
            Require(AreApart(reference, truth), "reference", "must be other rows than the truth: the nearest would be the answer itself.");
            Require(AreApart(reference, calibration), "reference",
                "must be other rows than those of calibration: intervals fitted to rows that are restored from themselves would be too narrow.");
        }

        /// <summary>Whether two runs of rows share none, as far as files tell: the same row in two files is not noticed.</summary>
        private static bool AreApart(RowsSpec? one, RowsSpec? other) =>
            one is null || other is null || one.Sha256 != other.Sha256 || one.Offset + one.Count <= other.Offset || other.Offset + other.Count <= one.Offset;

        /// <summary>The chains as a sampling job would have them; null with errors where it would not take them.</summary>
        private SamplingSpec? Chain(Damage? damage)
        {
            RestorationChain chain = request.Chain ?? new();
            SamplingKernel usual = SamplingSpecFactory.DefaultKernel(Model.Descriptor!);
            SamplingKernel kernel = chain.Kernel ?? (damage is { IsExact: false } && usual == SamplingKernel.BlockedGibbs ? SamplingKernel.GibbsWithGradients : usual);
            Require(damage is null or { IsExact: true } || kernel != SamplingKernel.BlockedGibbs, "chain.kernel",
                "blockedGibbs draws from the model's own conditionals, which know nothing of a likelihood: use gibbsWithGradients, or a damage whose known numbers are exact.");
            Outcome<SamplingSpec> made = SamplingSpecFactory.Create(
                (chain with { Kernel = kernel }).ToRequest(chains: 1, request.Seed ?? proposal.NewSeed()), Model, proposal.DeviceKind, SamplingPolicy.From(proposal.Limits), proposal.NewSeed);
            _errors.AddRange((made.Failure?.Fields ?? []).Select(error => error.Field == "spec.seed" ? error
                : error with { Field = error.Field.Replace("spec.", "spec.chain.", StringComparison.Ordinal) }));
            return made.Value;
        }

        private void CheckSize(RestorationSpec spec)
        {
            double chains = (double)spec.Items * spec.Samples, length = Input.Length();
            Limit(chains <= proposal.Limits.MaxItems, "samples", $"{chains:G6} chains (inputs and calibration rows x samples) are over this server's limit of {proposal.Limits.MaxItems}: restore them in parts.");
            double numbers = (double)spec.Count * spec.Samples * length;
            Limit(numbers <= proposal.Limits.MaxResultNumbers, "samples", $"inputs x samples x input size is {numbers:G3} numbers in one result, over this server's limit of {proposal.Limits.MaxResultNumbers:G3}.");
            double cost = length * ((chains * spec.Steps * (spec.Chain.Hmc?.LeapfrogSteps ?? 1)) + ((double)(spec.Start == RestorationStart.Reference ? spec.Items : spec.Count) * (spec.Reference?.Count ?? 0)));
            Limit(cost <= proposal.Limits.MaxElementSteps, "chain.steps", $"gradients x input size is {cost:G3}, over this server's limit of {proposal.Limits.MaxElementSteps:G3}: ask for fewer inputs, samples or steps.");
        }

        private void Require(bool holds, string field, string rule)
        {
            if (!holds)
                _errors.Add(new($"spec.{field}", $"{field} {rule}"));
        }

        private void Limit(bool holds, string field, string message)
        {
            if (!holds)
                _errors.Add(new($"spec.{field}", message, FailureCode.OverPolicy));
        }
    }

    /// <summary>A block's chains with a pass through the model and a tile of the reference on a slot; blocks go to the disk one by one, and so do the arrays.</summary>
    private static JobFootprint FootprintOf(RestorationSpec spec, HostedModel model)
    {
        const double CopiesOfStates = 20, CopiesOfLayers = 6, NumbersBesideSamples = 10;
        double length = model.Descriptor!.Input.Length(), rows = (double)Math.Min(spec.BlockSize, spec.Items) * spec.Samples;
        double tile = spec.Reference is null ? 0 : 3.0 * RestorationJob.ReferenceTile * length;
        double blocks = Math.Ceiling((double)spec.Items / spec.BlockSize);
        double kept = length * ((spec.Count * (double)spec.Samples) + (spec.Items * NumbersBesideSamples));
        return new JobFootprint(
            sizeof(float) * ((rows * ((CopiesOfStates * length) + (CopiesOfLayers * model.ActivationsPerInput))) + tile),
            (sizeof(float) * (kept + (spec.Calibration?.Count ?? 0) * length)) + (JobFootprint.BytesPerBlock * blocks))
        {
            StreamedBytes = sizeof(float) * kept,
            StepField = "spec.blockSize",
            ResultField = "spec.samples",
        };
    }
}
