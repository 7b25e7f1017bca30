using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Rows;
using EbmService.Core.Tensors;

namespace EbmService.Core.Sampling;

/// <summary>
/// Makes a sampling spec of a request: pins the job to start from by the
/// SHA-256 of its samples, then fills in and checks the rest.
/// </summary>
public static class SamplingAcceptance
{
    private const string Samples = "samples.npy";
    private const string Field = SamplingSpec.StartField;

    /// <summary>
    /// How often a pass with gradient holds each number of a layer: before and after its nonlinearity, as a gradient, and
    /// laid out for the kernels.
    /// </summary>
    private const double CopiesOfLayers = 6;

    /// <summary>How often a step holds each number of a state: start, state, proposal, momentum, noise, gradients.</summary>
    private const double CopiesOfStates = 16;

    /// <summary>Numbers that trace and diagnostics keep of one chain at most.</summary>
    private const double RecordedPerChain = 16_384;

    public static async Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken)
    {
        SamplingRequest request = Normalize((SamplingRequest?)proposal.Request);
        var errors = new List<FieldError>();
        long startBytes = 0;
        if (request.StartJob is { } source)
        {
            Outcome<ResultEntry> pinned = await PinAsync(source, proposal, cancellationToken);
            if (!pinned.Succeeded && pinned.Failure.Fields.Count == 0)
                return pinned.Failure;
            errors.AddRange(pinned.Failure?.Fields ?? []);
            request = request with { StartJob = pinned.Value is { } samples ? source with { Sha256 = samples.Sha256 } : source };
            startBytes = pinned.Value?.Size ?? 0;
        }
        if (request.Dataset is { } name)
        {
            // Shape, range and hash as for the rows of any type.
            Outcome<AcceptedRows> rows = await RowsAcceptance.AcceptAsync(
                new RowsSource { Dataset = name }, "", SamplingSpec.StartFile, proposal.Model, proposal, request.OutOfRange, cancellationToken);
            errors.AddRange(rows.Failure?.Fields ?? []);
            if (rows.Value is { } found)
            {
                if (request.DatasetSha256 is { } wanted && !wanted.Equals(found.Spec.Sha256, StringComparison.OrdinalIgnoreCase))
                    errors.Add(new("spec.datasetSha256", $"The rows of '{name}' have the SHA-256 {found.Spec.Sha256}."));
                request = request with { DatasetSha256 = found.Spec.Sha256 };
            }
        }
        else if (request.DatasetSha256 is not null)
        {
            errors.Add(new("spec.datasetSha256", "It has no meaning without dataset: leave it out."));
        }
        Outcome<SamplingSpec> spec = SamplingSpecFactory.Create(
            request, proposal.Model, proposal.DeviceKind, SamplingPolicy.From(proposal.Limits), proposal.NewSeed);
        errors.AddRange(spec.Failure?.Fields ?? []);
        return errors.Count > 0
            ? Failure.OfFields(errors)
            : new AcceptedJob(spec.Value!)
            {
                Footprint = FootprintOf(spec.Value!, proposal.Model, startBytes),
                Warnings = [.. WarningsOf(spec.Value!, proposal.Model.Descriptor!.Input), .. LengthWarnings(spec.Value!, proposal.Model)],
            };
    }

    private static IReadOnlyList<string> WarningsOf(SamplingSpec spec, InputSchema input) =>
    [
        .. new[] { ("spec.data", spec.Data), ("spec.held.values", spec.Held?.Values) }
            .Where(part => part.Item2 is not null)
            .Select(part => (Field: part.Item1, Text: InputValues.WarningOf(part.Item2!, input)))
            .Where(warning => warning.Text is not null)
            .Select(warning => $"{warning.Field}: {warning.Text}"),
    ];

    /// <summary>Of the recipe as it is: with other numbers in it, or by another kernel, it is not what was looked at.</summary>
    private static IEnumerable<string> LengthWarnings(SamplingSpec spec, HostedModel model)
    {
        ModelDescriptor descriptor = model.Descriptor!;
        SgldRecipe? recipe = SgldRecipes.Find(descriptor, spec.Recipe);
        if (spec.Kernel != SamplingKernel.Sgld || recipe is null || spec.StepSize != recipe.StepSize || spec.Noise != recipe.Noise)
            return [];
        return model.Manifest?.ValidSteps.GetValueOrDefault(spec.Recipe)?.WarningOf(spec.Steps, spec.Recipe, spec.Start == ChainStart.Base) is { } warning
            ? [warning] : [];
    }

    /// <summary>
    /// Estimates what a job will take: rows x replicas x activations on a
    /// slot; states, kept states and diagnostics as a result.
    /// </summary>
    /// <param name="startBytes">Of the file that the chains start from, of which the job keeps a copy.</param>
    public static JobFootprint FootprintOf(SamplingSpec spec, HostedModel model, long startBytes = 0)
    {
        double length = model.Descriptor!.Input.Length();
        double perRow = CopiesOfStates * length + CopiesOfLayers * model.ActivationsPerInput;
        double rows = (double)Math.Min(spec.BlockSize, spec.Chains) * spec.Replicas;
        double draws = spec.Thin is { } thin ? Math.Max(0, spec.Steps - spec.Warmup) / thin : 0;
        double recorded = Math.Min(RecordedPerChain, 8.0 * spec.Steps);
        double blocks = Math.Ceiling((double)spec.Chains / spec.BlockSize);
        return new JobFootprint(
            sizeof(float) * rows * perRow, sizeof(float) * spec.Chains * (length + recorded) + JobFootprint.BytesPerBlock * blocks)
        {
            StreamedBytes = sizeof(float) * spec.Chains * length * draws + startBytes,
            StepField = "spec.blockSize",
            ResultField = draws > 0 ? "spec.thin" : "spec.chains",
            ResultRemedy = draws > 0 ? "Keep fewer states: a larger spec.thin, fewer steps or fewer chains." : null,
        };
    }

    /// <summary>
    /// A job's spec sent again must mean the same: it shows no labels as [],
    /// and one of an earlier version no schedule length as 0.
    /// </summary>
    private static SamplingRequest Normalize(SamplingRequest? request) => request is null ? new SamplingRequest() : request with
    {
        Labels = request.Labels is { Count: 0 } ? null : request.Labels,
        ScheduleSteps = request.ScheduleSteps is 0 ? null : request.ScheduleSteps,
    };

    /// <summary>The samples to start from, or field errors.</summary>
    private static async Task<Outcome<ResultEntry>> PinAsync(StartJob source, JobProposal proposal, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> found = await proposal.Results.FindAsync(source.Id, cancellationToken);
        if (!found.Succeeded)
            return found.Failure.Code == FailureCode.JobNotFound
                ? Refuse($"There is no job '{source.Id}': GET /v1/jobs lists them.") : found.Failure;
        JobSnapshot job = found.Value;
        if (!job.Status.IsTerminal())
            return Refuse($"The job '{job.Id}' has not ended: its final states are not known yet.");
        if (job.Results.FirstOrDefault(entry => entry.Name == Samples) is not { } samples)
            return Refuse($"The job '{job.Id}' left no {Samples}.");
        if (source.Sha256 is { } known && !known.Equals(samples.Sha256, StringComparison.OrdinalIgnoreCase))
            return Refuse($"The {Samples} of job '{job.Id}' has the SHA-256 {samples.Sha256}: leave sha256 out, or start "
                + "from the job that you mean.", ".sha256");
        if (proposal.Model.Descriptor!.Input.Variables != VariableKind.Continuous && !SampledAlike(job, proposal))
            return Refuse($"The job '{job.Id}' sampled variables of another kind than those of '{proposal.Model.Key.Name}'.");
        return await CheckFileAsync(job.Id, samples, proposal, cancellationToken) is { } failure ? failure : samples;
    }

    private static bool SampledAlike(JobSnapshot job, JobProposal proposal) =>
        proposal.Find(job.Model.Key())?.Descriptor!.Input.Variables == proposal.Model.Descriptor!.Input.Variables;

    private static async Task<Failure?> CheckFileAsync(
        string id, ResultEntry samples, JobProposal proposal, CancellationToken cancellationToken)
    {
        Outcome<JobResult> opened = await proposal.Results.OpenResultAsync(id, Samples, cancellationToken);
        if (!opened.Succeeded)
            return Refuse(opened.Failure.Message);
        await using Stream content = opened.Value.Content;
        var bytes = new byte[NpyFormat.HeaderBytes];
        int read = await content.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        HostedModel model = proposal.Model;
        try
        {
            NpyHeader header = NpyHeader.Read(bytes.AsSpan(0, read));
            IReadOnlyList<int> wanted = model.Descriptor!.Input.Shape;
            if (header.Shape is not [> 0, ..] || !header.Shape.Skip(1).SequenceEqual(wanted))
                return Refuse($"The {Samples} of job '{id}' has the shape [{string.Join(", ", header.Shape)}], but '{model.Key.Name}' "
                    + $"needs [n, {string.Join(", ", wanted)}].");
            return header.IsPlain(samples.Size) ? null : Refuse($"The {Samples} of job '{id}' holds no float32 numbers in C order.");
        }
        catch (FormatException)
        {
            return Refuse($"The {Samples} of job '{id}' can't be read.");
        }
    }

    private static Failure Refuse(string message, string member = "") => Failure.OfFields([new FieldError(Field + member, message)]);
}
