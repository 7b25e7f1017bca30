using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Jobs.Admission;

namespace EbmService.Api.Jobs;

/// <summary>Finds the job whose final states another one starts from, and pins them by their SHA-256.</summary>
internal sealed class StartJobResolver(IJobService jobs, IModelCatalog catalog)
{
    internal const string Result = "samples.npy";
    private const string Field = "spec.startJob";

    /// <summary>The source with its SHA-256, or field errors.</summary>
    internal async Task<Outcome<StartJob>> ResolveAsync(StartJob source, HostedModel model, CancellationToken cancellation)
    {
        Outcome<JobSnapshot> found = await jobs.FindAsync(source.Id, cancellation);
        if (!found.Succeeded)
            return found.Failure.Code == FailureCode.JobNotFound ? Refuse($"There is no job '{source.Id}': GET /v1/jobs lists them.") : found.Failure;
        JobSnapshot job = found.Value;
        if (!job.Status.IsTerminal())
            return Refuse($"The job '{job.Id}' has not ended: its final states are not known yet.");
        if (job.Results.FirstOrDefault(entry => entry.Name == Result) is not { } samples)
            return Refuse($"The job '{job.Id}' left no {Result}.");
        if (source.Sha256 is { } known && !known.Equals(samples.Sha256, StringComparison.OrdinalIgnoreCase))
            return Refuse($"The {Result} of job '{job.Id}' has the SHA-256 {samples.Sha256}: leave sha256 out, or start from the job that you mean.", ".sha256");
        if (model.Descriptor!.Input.Variables != VariableKind.Continuous && VariablesOf(job.Model) != model.Descriptor.Input.Variables)
            return Refuse($"The job '{job.Id}' sampled variables of another kind than those of '{model.Key.Name}'.");
        return await CheckShapeAsync(job.Id, model, cancellation) is { } failure ? failure : source with { Sha256 = samples.Sha256 };
    }

    private async Task<Failure?> CheckShapeAsync(string id, HostedModel model, CancellationToken cancellation)
    {
        Outcome<JobResult> opened = await jobs.OpenResultAsync(id, Result, cancellation);
        if (!opened.Succeeded)
            return Refuse(opened.Failure.Message);
        await using Stream content = opened.Value.Content;
        var bytes = new byte[NpyFormat.HeaderBytes];
        int read = await content.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
        try
        {
            IReadOnlyList<int> shape = NpyFormat.ReadShape(bytes.AsSpan(0, read));
            IReadOnlyList<int> wanted = model.Descriptor!.Input.Shape;
            return shape is [> 0, ..] && shape.Skip(1).SequenceEqual(wanted)
                ? null
                : Refuse($"The {Result} of job '{id}' has the shape [{string.Join(", ", shape)}], but '{model.Key.Name}' needs [n, {string.Join(", ", wanted)}].");
        }
        catch (FormatException)
        {
            return Refuse($"The {Result} of job '{id}' can't be read.");
        }
    }

    private VariableKind? VariablesOf(ModelReference model) =>
        catalog.Find(model.Name, model.Version) is { Succeeded: true, Value: { } hosted } ? hosted.Descriptor!.Input.Variables : null;

    private static Failure Refuse(string message, string member = "") => Failure.OfFields([new FieldError(Field + member, message)]);
}
