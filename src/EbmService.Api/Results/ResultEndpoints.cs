using EbmService.Api.Errors;
using EbmService.Api.Jobs;
using EbmService.Api.Security;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace EbmService.Api.Results;

/// <summary>The files that a job made.</summary>
internal static class ResultEndpoints
{
    internal static IEndpointRouteBuilder MapResults(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/v1/jobs/{id}/results").WithTags("Results").RequireAuthorization(Scopes.Jobs);
        group.MapGet("/", ListAsync).WithName("ListResults").WithSummary("The result files of a job: name, type, size, SHA-256.")
            .Produces<JobResultsResponse>().Fails(FailureCode.JobNotFound, FailureCode.StorageBusy);
        group.MapGet("/{name}", DownloadAsync).WithName("DownloadResult")
            .WithSummary("One result file, by its name in the job's list of results.")
            .WithDescription("Every type leaves card.json: what is needed to understand and repeat the result. "
                + "Supports Range and If-None-Match; the ETag is the content's SHA-256.")
            .Produces<byte[]>(200, "application/x-npy", "image/png", "application/json", "application/octet-stream")
            .Produces<byte[]>(206, "application/octet-stream").Produces(304).Produces(416)
            .Fails(FailureCode.JobNotFound, FailureCode.ResultNotFound, FailureCode.StorageBusy);
        return routes;
    }

    private static async Task<Results<Ok<JobResultsResponse>, FailureResult>> ListAsync(
        string id, HttpRequest request, CallerJobs jobs, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> job = await jobs.FindAsync(id, cancellationToken);
        return job.Succeeded ? TypedResults.Ok(JobContractMapper.ToResults(job.Value, request.PathBase)) : new FailureResult(job.Failure);
    }

    private static async Task<Results<FileStreamHttpResult, FailureResult>> DownloadAsync(
        string id, string name, HttpResponse response, CallerJobs jobs, CancellationToken cancellationToken)
    {
        Outcome<JobResult> opened = await jobs.OpenResultAsync(id, name, cancellationToken);
        if (!opened.Succeeded)
            return new FailureResult(opened.Failure);
        ResultEntry entry = opened.Value.Entry;
        bool show = entry.MediaType is "image/png" or "application/json";
        var disposition = new ContentDispositionHeaderValue(show ? "inline" : "attachment");
        disposition.SetHttpFileName(entry.Name);
        response.Headers.ContentDisposition = disposition.ToString();
        return TypedResults.Stream(opened.Value.Content, entry.MediaType,
            entityTag: new EntityTagHeaderValue($"\"{entry.Sha256}\""), enableRangeProcessing: true);
    }
}
