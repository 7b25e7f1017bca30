using EbmService.Api.Errors;
using EbmService.Api.Security;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Monitoring;
using Microsoft.AspNetCore.Http.HttpResults;

namespace EbmService.Api.Jobs;

/// <summary>What a running job lets be seen beside its progress.</summary>
internal static class JobMonitorEndpoints
{
    internal static IEndpointRouteBuilder MapJobMonitor(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/v1/jobs/{id}").WithTags("Jobs").RequireAuthorization(Scopes.Jobs);
        group.MapGet("/trace", TraceAsync).WithName("GetJobTrace")
            .WithSummary("How the chains of a running sampling job went so far: mean, deviation and single chains.")
            .WithDescription("Of the draws after the warm-up that diagnostics are computed from, about every two seconds "
                + "(Worker:DiagnosticsSeconds); without points before the first. A job that has ended has trace.json among its results.")
            .Produces<JobTraceResponse>().Fails(FailureCode.JobNotFound, FailureCode.ResultNotFound, FailureCode.StorageBusy);
        group.MapGet("/preview", PreviewAsync).WithName("GetJobPreview")
            .WithSummary("The latest preview of a running job as numbers: states of the first chains.")
            .WithDescription("Sampling jobs with previewEvery have one. Events of the job carry the same as a picture.")
            .Produces<JobPreviewResponse>().Fails(FailureCode.JobNotFound, FailureCode.ResultNotFound, FailureCode.StorageBusy);
        return routes;
    }

    private static Task<Results<Ok<JobTraceResponse>, FailureResult>> TraceAsync(
        string id, CallerJobs jobs, IJobMonitor monitor, CancellationToken cancellationToken) =>
        AnswerAsync(id, jobs, monitor.TraceOf, "The job does not run, or its type has no trace.", "Ask while it runs; trace.json is among the results of a sampling job that has ended.",
            cancellationToken);

    private static Task<Results<Ok<JobPreviewResponse>, FailureResult>> PreviewAsync(
        string id, CallerJobs jobs, IJobMonitor monitor, CancellationToken cancellationToken) =>
        AnswerAsync(id, jobs, monitor.PreviewOf, "The job has no preview yet, or draws none.", "Set previewEvery in the spec of a sampling job, and ask while it runs.", cancellationToken);

    private static async Task<Results<Ok<T>, FailureResult>> AnswerAsync<T>(
        string id, CallerJobs jobs, Func<string, T?> look, string missing, string remedy, CancellationToken cancellationToken) where T : class
    {
        Outcome<JobSnapshot> job = await jobs.FindAsync(id, cancellationToken);
        if (!job.Succeeded)
            return new FailureResult(job.Failure);
        return look(id) is { } found ? TypedResults.Ok(found) : new FailureResult(new Failure(FailureCode.ResultNotFound, missing, remedy));
    }
}
