using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using EbmService.Api.Inputs;
using EbmService.Api.Limits;
using EbmService.Api.Security;
using EbmService.Core.Calibration;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Jobs.Admission;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Jobs;

/// <summary>POST /v1/jobs as it was read.</summary>
/// <param name="Key">Present where the client sent an Idempotency-Key.</param>
/// <param name="Errors">What is wrong with headers and envelope.</param>
internal sealed record JobRequest(
    IJobType Type, CreateJobRequest Body, string Tenant, SubmissionKey? Key, IReadOnlyList<FieldError> Errors);

/// <summary>Reads POST /v1/jobs and makes a validated submission of it.</summary>
internal sealed class JobRequestReader(
    JobTypeRegistry types, IModelCatalog catalog, IComputeDevice device, CallerJobs jobs, CallerDatasets datasets, Caller caller,
    IOptions<LimitsOptions> limits)
{
    internal const int MaxKeyLength = 255;
    private const int MaxTags = 16;
    private const int MaxTagLength = 64;
    private const int MaxPriority = 10;

    /// <summary>Seeds stay exact in JSON numbers.</summary>
    private const long MaxSeed = (1L << 53) - 1;

    /// <summary>Reads the body and the headers; nothing is held against models or jobs yet.</summary>
    internal async Task<Outcome<JobRequest>> ReadAsync(HttpRequest request)
    {
        if (!request.HasJsonContentType())
            return MediaTypes.Unsupported(request.ContentType ?? "", "application/json");
        Outcome<byte[]> body = await BodyReader.ReadAsync(request, limits.Value.MaxBodyBytes);
        if (!body.Succeeded)
            return body.Failure;
        string name = TypeIn(body.Value) ?? types.Default.Description.Name;
        if (types.Find(name) is not { } type)
            return Failure.OfFields([new FieldError("type", $"There is no job type '{name}'. Known: {types.Known}.")]);
        Outcome<CreateJobRequest> read = JsonBody.Deserialize<CreateJobRequest>(body.Value, BodyOf(type));
        if (!read.Succeeded)
            return read.Failure;

        if (type.Description.MakesModel && !caller.Has(Scopes.ModelsAdmin))
            return NeedsAdmin("A job that makes a version of a model changes what everybody is served");
        var errors = new List<FieldError>();
        string? key = ReadKey(request, errors);
        string tenant = TenantHeader.Read(request, errors);
        // A key that is not valid can't be looked up; what else is wrong joins the errors of the spec.
        if (key is not null && errors.Count > 0)
            return Failure.OfFields(errors);
        CheckEnvelope(read.Value, errors);
        return new JobRequest(
            type, read.Value, tenant, key is null ? null : new SubmissionKey(tenant, key, RequestFingerprint.Of(body.Value)), errors);
    }

    /// <summary>Makes the submission of a request; reports all errors together.</summary>
    internal async Task<Outcome<JobSubmission>> BuildAsync(JobRequest request, CancellationToken cancellationToken)
    {
        Outcome<JobSubmission> submission = await BuildAsync(request.Type, request.Body, [.. request.Errors], cancellationToken);
        return submission.Succeeded ? submission.Value with { Tenant = request.Tenant } : submission;
    }

    /// <summary>Whether everybody is answered otherwise once the job has ended: such jobs need models:admin.</summary>
    internal static bool ChangesWhatIsServed(JobSnapshot job) =>
        job.Models.Any(model => model.IsMade) || job.Spec is CalibrationSpec { MakeDefault: true };

    private static Failure NeedsAdmin(string why) =>
        new(FailureCode.Forbidden, $"{why}: the key lacks the scope {Scopes.ModelsAdmin}.", "Use a key that has it: ebm keys create --scopes ...");

    /// <summary>What the body of a request for a job of that type is read as.</summary>
    internal static Type BodyOf(IJobType type) => typeof(CreateJobRequest<>).MakeGenericType(type.Description.Request);

    /// <summary>
    /// The member <c>type</c> of a body; null where there is none, or
    /// where the body is not JSON, which its reader then says.
    /// </summary>
    private static string? TypeIn(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body.StartsWith("\uFEFF"u8) ? body[3..] : body);
            reader.Read();
            while (reader.TokenType != JsonTokenType.StartArray && reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool isType = reader.ValueTextEquals("type"u8);
                reader.Read();
                if (isType)
                    return reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
                reader.Skip();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The reader of the whole body words it.
        }
        return null;
    }

    private async Task<Outcome<JobSubmission>> BuildAsync(
        IJobType type, CreateJobRequest job, List<FieldError> errors, CancellationToken cancellationToken)
    {
        Outcome<(string Role, HostedModel Model)[]> models = FindModels(type.Description, job);
        errors.AddRange(models.Failure?.Fields ?? []);
        if (!models.Succeeded)
            return errors.Count > 0 ? Failure.OfFields(errors) : models.Failure;
        Outcome<AcceptedJob> accepted = await type.AcceptAsync(
            new JobProposal(
                job.ReadSpec(), [.. models.Value.Take(type.Description.Roles.Count).Select(one => one.Model)], device.Info.Kind, limits.Value.ToJobLimits(), jobs, FindModel, NewSeed)
            {
                Datasets = datasets.Own,
                Tenant = caller.Tenant,
                Optional = models.Value.Skip(type.Description.Roles.Count).ToDictionary(one => one.Role, one => one.Model),
                Made = Asked(job) is [{ } made] ? (made.Name, made.Version) : ("", null),
            },
            cancellationToken);
        if (!accepted.Succeeded && accepted.Failure.Fields.Count == 0)
            return accepted.Failure;
        errors.AddRange(accepted.Failure?.Fields ?? []);
        if (errors.Count > 0)
            return Failure.OfFields(errors);
        if (accepted.Value!.Spec is CalibrationSpec { MakeDefault: true } && !caller.Has(Scopes.ModelsAdmin))
            return NeedsAdmin("A calibration that is to be a model's default changes what everybody is answered");
        JobModel[] used = accepted.Value!.Makes is { } makes ? [JobModel.Making(makes)] : [.. models.Value.Select(one => JobModel.Create(one.Role, one.Model.Reference()))];
        return new JobSubmission(used, accepted.Value.Spec)
        {
            Attachments = accepted.Value.Attachments, Priority = job.Priority ?? 0, Tags = job.Tags ?? [], Keep = job.Keep ?? false,
            Footprint = accepted.Value.Footprint,
            Warnings = accepted.Value.Warnings,
        };
    }

    /// <summary>Ready models that offer what the type needs, by role, in the order of its roles; those of optional roles follow.</summary>
    private Outcome<(string Role, HostedModel Model)[]> FindModels(JobTypeDescription type, CreateJobRequest job)
    {
        var errors = new List<FieldError>();
        JobModelRequest[] asked = Asked(job);
        if (job.Models is not null && job.Model is not null)
            errors.Add(new("model", "and models exclude each other: give one."));
        if (type.MakesModel)
        {
            if (asked.Length != 1)
                errors.Add(new("model", "Name the model that is to be made a version of, for example \"my-model\"."));
            return errors.Count > 0 ? Failure.OfFields(errors) : Array.Empty<(string, HostedModel)>();
        }
        string[] roles = [.. type.Roles, .. type.OptionalRoles];
        foreach ((int index, JobModelRequest one) in asked.Index().Where(one => !roles.Contains(RoleOf(one.Item))))
            errors.Add(new($"models[{index}].role",
                $"Work of type {type.Name} has no role '{one.Role}'. Its roles: {string.Join(", ", roles)}."));
        var found = new List<(string, HostedModel)>();
        foreach (string role in roles)
        {
            JobModelRequest[] named = [.. asked.Where(one => RoleOf(one) == role)];
            if (named.Length == 0 && type.OptionalRoles.Contains(role))
                continue;
            if (named.Length != 1)
            {
                errors.Add(role == JobModel.DefaultRole && named.Length == 0
                    ? new("model", "Name a model, for example \"mnist-jem\"; GET /v1/models lists them.")
                    : new("models", $"Name one model for the role '{role}'."));
                continue;
            }
            Outcome<HostedModel> model = catalog.Find(named[0].Name, named[0].Version);
            if (!model.Succeeded)
                return model.Failure;
            if (CapabilityRules.Refuse(model.Value, type.Task) is { } refusal)
                return refusal;
            if (named[0].Digest is { } digest && digest != model.Value.Digest)
                errors.Add(new("models",
                    $"The digest of '{model.Value.Key}' is {model.Value.Digest}: leave it out, or name the version that you mean."));
            found.Add((role, model.Value));
        }
        return errors.Count > 0 ? Failure.OfFields(errors) : found.ToArray();
    }

    private static JobModelRequest[] Asked(CreateJobRequest job) => job.Models is { } list ? [.. list]
        : job.Model is { } text && !string.IsNullOrWhiteSpace(text) ? [Parse(text)] : [];

    private static string RoleOf(JobModelRequest model) => model.Role ?? JobModel.DefaultRole;

    private static JobModelRequest Parse(string model)
    {
        string[] parts = model.Split('/', 2);
        return new JobModelRequest { Name = parts[0], Version = parts.Length > 1 ? parts[1] : null };
    }

    private HostedModel? FindModel(ModelKey key) => catalog.Find(key.Name, key.Version).Value;

    private static long NewSeed() =>
        (long)(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) & MaxSeed);

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

/// <summary>
/// The meaning of a JSON request as a hash: the order of members, blanks, the spelling of numbers and escapes, and members that
/// are null (as good as absent here) make no difference.
/// </summary>
internal static class RequestFingerprint
{
    /// <param name="json">A body that was read without a fault.</param>
    /// <returns>64 hex digits.</returns>
    internal static string Of(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = JsonDocument.Parse(json.Span.StartsWith("\uFEFF"u8) ? json[3..] : json);
        var canonical = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(canonical))
            Write(writer, document.RootElement);
        return Convert.ToHexStringLower(SHA256.HashData(canonical.WrittenSpan));
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (JsonProperty member in value.EnumerateObject().Where(member => member.Value.ValueKind != JsonValueKind.Null)
                    .OrderBy(member => member.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value);
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValueKind.Number:
                writer.WriteRawValue(Number(value), skipInputValidation: true);
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    /// <summary>1, 1.0 and 1e0 are one number; one that no double holds stays as it is written.</summary>
    private static string Number(JsonElement value)
    {
        if (value.TryGetInt64(out long whole))
            return whole.ToString(CultureInfo.InvariantCulture);
        return value.TryGetDouble(out double number) && double.IsFinite(number)
            ? (number == 0 ? 0 : number).ToString("R", CultureInfo.InvariantCulture)
            : value.GetRawText();
    }
}
