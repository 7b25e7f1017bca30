using System.Security.Cryptography;
using EbmService.Api.Inputs;
using EbmService.Api.Limits;
using EbmService.Api.Models;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Jobs.Admission;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Jobs;

/// <summary>Makes a validated submission of POST /v1/jobs; reports all errors together.</summary>
internal sealed class JobRequestReader(IModelCatalog catalog, IComputeDevice device, IOptions<LimitsOptions> limits)
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
        CheckEnvelope(read.Value, errors);
        Outcome<JobSubmission> submission = Build(read.Value, errors);
        return !submission.Succeeded || key is null
            ? submission
            : submission.Value with { IdempotencyKey = key, RequestFingerprint = Convert.ToHexStringLower(SHA256.HashData(body.Value)) };
    }

    private Outcome<JobSubmission> Build(CreateJobRequest job, List<FieldError> errors)
    {
        if (string.IsNullOrWhiteSpace(job.Model))
            return Failure.OfFields([.. errors, new FieldError("model", "Name a model, for example \"mnist-jem\"; GET /v1/models lists them.")]);
        string[] parts = job.Model.Split('/', 2);
        Outcome<HostedModel> found = catalog.Find(parts[0], parts.Length > 1 ? parts[1] : null);
        if (!found.Succeeded)
            return errors.Count > 0 ? Failure.OfFields(errors) : found.Failure;
        if (!found.Value.Tasks.Contains(ModelTask.Sampling))
            return errors.Count > 0 ? Failure.OfFields(errors) : TaskFailure.NotSupported(found.Value, ModelTask.Sampling);

        Outcome<SamplingSpec> spec = SamplingSpecFactory.Create(
            Normalize(job.Spec), found.Value, device.Info.Kind, limits.Value.ToSamplingPolicy(), NewSeed);
        if (!spec.Succeeded)
            errors.AddRange(spec.Failure.Fields);
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        return new JobSubmission(found.Value.Reference(), spec.Value!) { Priority = job.Priority ?? 0, Tags = job.Tags ?? [] };
    }

    /// <summary>A finished job's spec shows no labels as []; sent again it must mean the same.</summary>
    private static SamplingRequest Normalize(SamplingRequest? spec) =>
        spec is null ? new SamplingRequest() : spec.Labels is { Count: 0 } ? spec with { Labels = null } : spec;

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
