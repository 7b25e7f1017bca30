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
            .WithSummary("How a running job went so far, where its type keeps a trace: mean, deviation and single courses of its quantities.")
            .WithDescription("Of what diagnostics are computed from, about every two seconds (Worker:DiagnosticsSeconds). Without points before "
                + "the first, and where the job does not run or keeps none; a job that has ended has trace.json among its results.")
            .Produces<JobTraceResponse>().Fails(FailureCode.JobNotFound, FailureCode.StorageBusy);
        group.MapGet("/preview", PreviewAsync).WithName("GetJobPreview")
            .WithSummary("The latest preview of a running job as numbers.")
            .WithDescription("null before the first, and of types that draw none. Events of the job carry the same as a picture.")
            .Produces<JobPreviewResponse>().Fails(FailureCode.JobNotFound, FailureCode.StorageBusy);
        return routes;
    }

    private static async Task<Results<Ok<JobTraceResponse>, FailureResult>> TraceAsync(
        string id, CallerJobs jobs, IJobMonitor monitor, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> job = await jobs.FindAsync(id, cancellationToken);
        return job.Succeeded ? TypedResults.Ok(monitor.TraceOf(id) ?? JobTraceResponse.Empty) : new FailureResult(job.Failure);
    }

    private static async Task<Results<Ok<JobPreviewResponse>, FailureResult>> PreviewAsync(
        string id, CallerJobs jobs, IJobMonitor monitor, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> job = await jobs.FindAsync(id, cancellationToken);
        return job.Succeeded ? TypedResults.Ok(monitor.PreviewOf(id) ?? JobPreviewResponse.None) : new FailureResult(job.Failure);
    }
}
