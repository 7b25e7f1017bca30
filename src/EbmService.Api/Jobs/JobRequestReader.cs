using System.Security.Cryptography;
using EbmService.Api.Inputs;
using EbmService.Api.Limits;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Jobs.Admission;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Jobs;

/// <summary>Makes a validated submission of POST /v1/jobs; reports all errors together.</summary>
internal sealed class JobRequestReader(IModelCatalog catalog, IComputeDevice device, StartJobResolver startJobs, IOptions<LimitsOptions> limits)
{
    internal const int MaxKeyLength = 255;
    private const int MaxTags = 16;
    private const int MaxTagLength = 64;
    private const int MaxPriority = 10;

    internal async Task<Outcome<JobSubmission>> ReadAsync(HttpRequest request)
    {
        if (!request.HasJsonContentType())
            return MediaTypes.Unsupported(request.ContentType ?? "", "application/json");
        Outcome<byte[]> body = await BodyReader.ReadAsync(request, limits.Value.MaxBodyBytes);
        if (!body.Succeeded)
            return body.Failure;
        Outcome<CreateJobRequest> read = JsonBody.Deserialize<CreateJobRequest>(body.Value);
        if (!read.Succeeded)
            return read.Failure;

        var errors = new List<FieldError>();
        string? key = ReadKey(request, errors);
        string tenant = TenantHeader.Read(request, errors);
        CheckEnvelope(read.Value, errors);
        Outcome<JobSubmission> submission = await BuildAsync(read.Value, errors, request.HttpContext.RequestAborted);
        if (!submission.Succeeded)
            return submission;
        string? print = key is null ? null : Convert.ToHexStringLower(SHA256.HashData(body.Value));
        return submission.Value with { Tenant = tenant, IdempotencyKey = key, RequestFingerprint = print };
    }

    private async Task<Outcome<JobSubmission>> BuildAsync(CreateJobRequest job, List<FieldError> errors, CancellationToken cancellation)
    {
        if (string.IsNullOrWhiteSpace(job.Model))
            return Failure.OfFields([.. errors, new FieldError("model", "Name a model, for example \"mnist-jem\"; GET /v1/models lists them.")]);
        string[] parts = job.Model.Split('/', 2);
        Outcome<HostedModel> found = catalog.Find(parts[0], parts.Length > 1 ? parts[1] : null);
        if (!found.Succeeded)
            return errors.Count > 0 ? Failure.OfFields(errors) : found.Failure;
        if (CapabilityRules.Refuse(found.Value, ModelTask.Sampling) is { } refusal)
            return errors.Count > 0 ? Failure.OfFields(errors) : refusal;
        Outcome<SamplingRequest> request = await PinStartAsync(Normalize(job.Spec), found.Value, errors, cancellation);
        if (!request.Succeeded)
            return request.Failure;

        Outcome<SamplingSpec> spec = SamplingSpecFactory.Create(
            request.Value, found.Value, device.Info.Kind, limits.Value.ToSamplingPolicy(), NewSeed);
        if (!spec.Succeeded)
            errors.AddRange(spec.Failure.Fields);
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        return new JobSubmission(found.Value.Reference(), spec.Value!) { Priority = job.Priority ?? 0, Tags = job.Tags ?? [] };
    }

    /// <summary>Fills in the SHA-256 of the job to start from; what is wrong with its members joins the other errors.</summary>
    private async Task<Outcome<SamplingRequest>> PinStartAsync(
        SamplingRequest spec, HostedModel model, List<FieldError> errors, CancellationToken cancellation)
    {
        if (spec.StartJob is null)
            return spec;
        Outcome<StartJob> source = await startJobs.ResolveAsync(spec.StartJob, model, cancellation);
        if (source.Succeeded)
            return spec with { StartJob = source.Value };
        if (source.Failure.Fields.Count == 0)
            return source.Failure;
        errors.AddRange(source.Failure.Fields);
        return spec;
    }

    /// <summary>A job's spec sent again must mean the same: it shows no labels as [], and one of an earlier version no schedule length as 0.</summary>
    private static SamplingRequest Normalize(SamplingRequest? spec) => spec is null ? new SamplingRequest() : spec with
    {
        Labels = spec.Labels is { Count: 0 } ? null : spec.Labels,
        ScheduleSteps = spec.ScheduleSteps is 0 ? null : spec.ScheduleSteps,
    };

    private static long NewSeed() =>
        (long)(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) & SamplingSpecFactory.MaxSeed);

    private static string? ReadKey(HttpRequest request, List<FieldError> errors)
    {
        if (request.Headers["Idempotency-Key"] is not { Count: > 0 } header)
            return null;
        string key = header.ToString();
        if (key.Length is 0 or > MaxKeyLength || key.Any(letter => letter is < ' ' or > '~'))
            errors.Add(new("Idempotency-Key", $"Must be 1 to {MaxKeyLength} printable ASCII characters."));
        return key;
    }

    private static void CheckEnvelope(CreateJobRequest job, List<FieldError> errors)
    {
        if (job.Priority is < -MaxPriority or > MaxPriority)
            errors.Add(new("priority", $"Must be between -{MaxPriority} and {MaxPriority}."));
        if (job.Tags is { Count: > MaxTags })
            errors.Add(new("tags", $"At most {MaxTags} tags."));
        else if (job.Tags?.Any(tag => string.IsNullOrEmpty(tag) || tag.Length > MaxTagLength) == true)
            errors.Add(new("tags", $"Each tag has 1 to {MaxTagLength} characters."));
    }
}
