using System.Globalization;
using System.Text.Json;
using EbmService.Core.Failures;
using Microsoft.AspNetCore.Mvc;

namespace EbmService.Api.Errors;

/// <summary>The one table from failure code to status and problem type (RFC 9457).</summary>
internal static class FailureProblemMapper
{
    private static readonly Dictionary<FailureCode, ProblemKind> Table = new()
    {
        [FailureCode.InvalidRequest] = new(
            400, "The request is not valid.",
            "Correct the members named in 'errors' and send the request again; /swagger shows working examples."),
        [FailureCode.ModelNotFound] = new(404, "There is no such model.", "GET /v1/models lists the models."),
        [FailureCode.VersionNotFound] = new(
            404, "The model has no such version.", "GET /v1/models lists the versions; leave the version out for the newest ready one."),
        [FailureCode.JobNotFound] = new(404, "There is no such job.", "GET /v1/jobs lists the jobs; a deleted job is gone."),
        [FailureCode.ResultNotFound] = new(
            404, "The job has no such result.", "GET /v1/jobs/{id}/results lists the results; they appear when the job has ended."),
        [FailureCode.DatasetNotFound] = new(404, "There is no such dataset.", "GET /v1/datasets lists the datasets."),
        [FailureCode.DatasetExists] = new(
            409, "A dataset of that name has other rows.", "A dataset never changes: upload it under a new name, or delete the old one first."),
        [FailureCode.DatasetInUse] = new(409, "A job uses the dataset.", "Wait until the jobs that use it have ended, or cancel them."),
        [FailureCode.InvalidTransition] = new(409, "The job's state does not allow this.", "GET the job to see its state."),
        [FailureCode.VersionExists] = new(
            409, "The model has a version of that name.", "A version never changes: upload it under a new version."),
        [FailureCode.NotAllowed] = new(403, "The server does not allow this.", "The operator decides it by the server's settings."),
        [FailureCode.Unauthenticated] = new(401, "The service needs a key.", "Send a key in 'Authorization: Bearer ...' or 'X-Api-Key: ...'."),
        [FailureCode.Forbidden] = new(403, "The key does not cover this.", "Use a key that has the scope, of the tenant that is meant."),
        [FailureCode.QuotaExceeded] = new(
            429, "The tenant's quota is used up.", "Wait for the time in Retry-After; the operator raises Quotas."),
        [FailureCode.IdempotencyInFlight] = new(
            409, "The first request with this Idempotency-Key is still in flight.", "Wait and send the same request again."),
        [FailureCode.IdempotencyMismatch] = new(422, "The Idempotency-Key was used with another body.", "Use a new key for a new request."),
        [FailureCode.BodyTooLarge] = new(413, "The body is too large.", "Send fewer inputs per request, or raise Limits:MaxBodyBytes."),
        [FailureCode.BodyTooSlow] = new(
            408, "The body came too slowly.",
            "Send it again over a faster connection, or in smaller parts; the operator may lower Limits:MinBodyBytesPerSecond."),
        [FailureCode.UnsupportedMediaType] = new(415, "The body's media type is not supported.", "Set Content-Type to application/json."),
        [FailureCode.NotSupported] = new(422, "The model can't do this.", "GET /v1/models/{model} lists its tasks."),
        [FailureCode.OverPolicy] = new(
            422, "The request is over this server's limits.", "Ask for less, or raise the server's Limits settings."),
        [FailureCode.QueueFull] = new(503, "The queue is full.", "Try again after the time in Retry-After."),
        [FailureCode.ModelUnavailable] = new(
            503, "The model is unavailable.", "Its files are missing or damaged: see 'reason' in GET /v1/models. Other models serve."),
        [FailureCode.DeviceLost] = new(503, "The device stopped answering.", "Try again later; GET /health/ready tells when."),
        [FailureCode.ShuttingDown] = new(503, "The server is shutting down.", "Try again later or on another server."),
        [FailureCode.Diverged] = new(
            422, "The computation left the finite numbers.", "Use smaller steps, or bounds on gradients or states."),
        [FailureCode.ProcessLost] = new(
            422, "The job ended its process again and again.", "Ask for a smaller job; tell the operator."),
        [FailureCode.DeadlineExceeded] = new(
            422, "The deadline passed before any of the job's blocks had a step.",
            "Allow more time, ask for a smaller job, or raise the priority."),
        [FailureCode.StorageFailed] = new(
            503, "The server can't write to its storage.", "The operator must free space under Storage:DataPath."),
        [FailureCode.StorageBusy] = new(503, "Another program holds the job database.", "Try again after the time in Retry-After."),
        [FailureCode.InsufficientStorage] = new(
            507, "The server's disk has no room for the job's results.", "Ask for less, or delete jobs that have ended."),
        [FailureCode.Internal] = new(500, "Something went wrong on our side.", "Try again; report it with the traceId if it stays."),
    };

    internal static ProblemKind KindOf(FailureCode code) => Table.GetValueOrDefault(code) ?? Table[FailureCode.Internal];

    /// <summary>The code a status stands for when a framework, not we, refused.</summary>
    internal static FailureCode CodeOf(int status) => status switch
    {
        408 => FailureCode.BodyTooSlow,
        413 => FailureCode.BodyTooLarge,
        415 => FailureCode.UnsupportedMediaType,
        >= 400 and < 500 => FailureCode.InvalidRequest,
        _ => FailureCode.Internal,
    };

    /// <summary>The problem type of a code, for example <c>urn:ebmservice:problem:queue-full</c>.</summary>
    internal static string TypeOf(FailureCode code) =>
        "urn:ebmservice:problem:" + JsonNamingPolicy.KebabCaseLower.ConvertName(code.ToString());

    internal static ProblemDetails ToProblem(Failure failure)
    {
        ProblemKind kind = KindOf(failure.Code);
        var problem = new ProblemDetails
        {
            Type = TypeOf(failure.Code),
            Title = kind.Title,
            Status = kind.Status,
            Detail = failure.Message,
        };
        problem.Extensions["code"] = JsonNamingPolicy.CamelCase.ConvertName(failure.Code.ToString());
        problem.Extensions["remedy"] = failure.Remedy ?? kind.Remedy;
        // Open Inference Protocol clients look for a string of this name.
        problem.Extensions["error"] = failure.Message;
        if (failure.Fields.Count > 0)
        {
            problem.Extensions["errors"] = failure.Fields
                .GroupBy(field => field.Field)
                .ToDictionary(group => group.Key, group => group.Select(field => field.Message).ToArray());
        }
        return problem;
    }

    /// <summary>Whole seconds, rounded up, at least 1; null where no time is known.</summary>
    internal static string? RetryAfter(Failure failure)
    {
        TimeSpan? wait = failure.RetryAfter ?? (KindOf(failure.Code).Status == 503 ? TimeSpan.FromSeconds(5) : null);
        return wait is { } time
            ? Math.Max(1, (long)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture)
            : null;
    }
}

/// <summary>How one <see cref="FailureCode"/> looks to an HTTP client.</summary>
/// <param name="Status">The status code.</param>
/// <param name="Title">The same for every problem of the kind.</param>
/// <param name="Remedy">What to do, where the failure itself does not say.</param>
internal sealed record ProblemKind(int Status, string Title, string Remedy);
