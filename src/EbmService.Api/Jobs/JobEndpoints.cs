using EbmService.Api.Errors;
using EbmService.Api.Inputs;
using EbmService.Api.Limits;
using EbmService.Api.OpenApi;
using EbmService.Api.Security;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Jobs;

/// <summary>Long work: create, look, cancel, delete, watch.</summary>
internal static class JobEndpoints
{
    internal static IEndpointRouteBuilder MapJobs(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder group = routes.MapGroup("/v1/jobs").WithTags("Jobs").RequireAuthorization(Scopes.Jobs);
        JobTypeRegistry types = routes.ServiceProvider.GetRequiredService<JobTypeRegistry>();
        group.MapPost("/", CreateAsync).WithName("CreateJob").WithSummary("Queues a job.")
            .WithDescription("202 with Location and Retry-After. With 'Prefer: wait=N' (at most 60 s) the answer waits: "
                + "200 if the job ended in time. With 'Idempotency-Key' a repeated request gets the first one's job, "
                + "whatever has become of its model; keys are a tenant's own.")
            .WithMetadata(JobRequestBody(types), JobExamples(types))
            .WithMetadata(new HeaderParameter("Idempotency-Key", "Any text unique to this job, for example a UUID."),
                new HeaderParameter("Prefer", "wait=N: answer when the job has ended, or after N seconds."),
                new HeaderParameter(TenantHeader.Name, TenantHeader.Description))
            .Produces<JobResponse>(202).Produces<JobResponse>(200)
            .Fails(FailureCode.InvalidRequest, FailureCode.ModelNotFound, FailureCode.VersionNotFound, FailureCode.IdempotencyInFlight,
                FailureCode.IdempotencyMismatch, FailureCode.BodyTooLarge, FailureCode.UnsupportedMediaType, FailureCode.NotSupported,
                FailureCode.OverPolicy, FailureCode.QueueFull, FailureCode.ModelUnavailable, FailureCode.ShuttingDown,
                FailureCode.StorageFailed, FailureCode.StorageBusy, FailureCode.InsufficientStorage, FailureCode.Internal);
        group.MapGet("/", ListAsync).WithName("ListJobs").WithSummary("Jobs, newest first, in pages.")
            .Produces<JobListResponse>().Fails(FailureCode.InvalidRequest, FailureCode.StorageBusy);
        group.MapGet("/{id}", GetAsync).WithName("GetJob").WithSummary("One job: status, progress, results.")
            .Produces<JobResponse>().Fails(FailureCode.JobNotFound, FailureCode.StorageBusy);
        group.MapPatch("/{id}", ChangeAsync).WithName("ChangeJob").WithSummary("Says whether a job stays once it has ended.")
            .WithDescription("A job with keep stays with its results until it is deleted by hand; another goes by the service's settings Storage:RetainDays "
                + "(from expiresAt on) and Storage:MaxBytes, and is answered 404 then as one that was deleted.")
            .WithMetadata(new RequestBodyMetadata(typeof(ChangeJobRequest), []), RequestExamples.ChangeJob)
            .Produces<JobResponse>()
            .Fails(FailureCode.InvalidRequest, FailureCode.JobNotFound, FailureCode.BodyTooLarge, FailureCode.UnsupportedMediaType, FailureCode.StorageFailed,
                FailureCode.StorageBusy);
        MapTransitions(group);
        group.MapDelete("/{id}", DeleteAsync).WithName("DeleteJob")
            .WithSummary("Deletes the record and the results of a job that has ended.")
            .Produces(204).Fails(
                FailureCode.JobNotFound, FailureCode.InvalidTransition, FailureCode.StorageFailed, FailureCode.StorageBusy);
        return routes;
    }

    private static RequestBodyMetadata JobRequestBody(JobTypeRegistry types) => new(typeof(CreateJobRequest), [])
    {
        ByType = types.All.ToDictionary(type => type.Description.Name, JobRequestReader.BodyOf),
    };

    private static RequestExampleSet JobExamples(JobTypeRegistry types) => new("mnist-jem",
        [.. types.All.SelectMany(type => type.Description.Examples)
            .Select(example => new RequestExample(example.Name, example.Summary, example.Json))]);

    private static void MapTransitions(RouteGroupBuilder group)
    {
        group.MapPost("/{id}/cancel", CancelAsync).WithName("CancelJob")
            .WithSummary("Stops a job: a queued one at once, a running one at the end of its quantum, keeping partial results.")
            .Produces<JobResponse>(202)
            .Fails(FailureCode.JobNotFound, FailureCode.InvalidTransition, FailureCode.ShuttingDown, FailureCode.StorageFailed,
                FailureCode.StorageBusy);
        group.MapPost("/{id}/pause", PauseAsync).WithName("PauseJob")
            .WithSummary("Takes a job off the device at the end of its quantum and stores its state; resume goes on to the same bits.")
            .WithDescription("202: still running until its state is stored, then paused. A paused job stays as it is.")
            .Produces<JobResponse>(202)
            .Fails(FailureCode.JobNotFound, FailureCode.InvalidTransition, FailureCode.ShuttingDown, FailureCode.StorageFailed,
                FailureCode.StorageBusy);
        group.MapPost("/{id}/resume", ResumeAsync).WithName("ResumeJob")
            .WithSummary("Queues a paused job again: it goes on where it stopped.")
            .WithDescription("202. A job that is not paused stays as it is; one whose model is away stays paused.")
            .Produces<JobResponse>(202)
            .Fails(FailureCode.JobNotFound, FailureCode.InvalidTransition, FailureCode.ModelUnavailable, FailureCode.ShuttingDown,
                FailureCode.StorageFailed, FailureCode.StorageBusy);
        group.MapPost("/{id}/extend", ExtendAsync).WithName("ExtendJob")
            .WithSummary("Makes a new job that goes on from the last state of one that has succeeded, for more steps.")
            .WithDescription("202 with the new job and its Location. Its result is that of one job with all the steps: the "
                + "same bits as the spec that it shows, run at once. "
                + "A job that a stop rule ended goes on from that step for exactly so many more, without the rules. The "
                + "new job keeps the tenant of the one that it extends: X-Tenant is not read here.")
            .WithMetadata(new RequestBodyMetadata(typeof(ExtendJobRequest), []), RequestExamples.ExtendJob)
            .Produces<JobResponse>(202)
            .Fails(FailureCode.InvalidRequest, FailureCode.JobNotFound, FailureCode.ModelNotFound, FailureCode.VersionNotFound,
                FailureCode.InvalidTransition, FailureCode.BodyTooLarge, FailureCode.UnsupportedMediaType, FailureCode.OverPolicy,
                FailureCode.QueueFull, FailureCode.ModelUnavailable, FailureCode.ShuttingDown, FailureCode.StorageFailed,
                FailureCode.StorageBusy, FailureCode.InsufficientStorage, FailureCode.Internal);
    }

    private static async Task<Results<Ok<JobResponse>, Accepted<JobResponse>, FailureResult>> CreateAsync(
        HttpContext context, JobRequestReader reader, CallerJobs jobs, AuditLog audit)
    {
        Outcome<JobSnapshot> job = await SubmitAsync(context, reader, jobs);
        if (job.Succeeded && JobRequestReader.ChangesWhatIsServed(job.Value))
            audit.AdminCall(context, $"{AuditLog.WhatOf(context)} ({job.Value.Spec.Type} job {job.Value.Id})", "accepted");
        if (job.Succeeded && WaitPreference.Read(context.Request) is { } wait)
        {
            context.Response.Headers["Preference-Applied"] = "wait";
            job = await jobs.WaitAsync(job.Value.Id, wait, context.RequestAborted);
        }
        if (!job.Succeeded)
            return new FailureResult(job.Failure);
        string location = JobContractMapper.PathOf(job.Value.Id, context.Request.PathBase);
        JobResponse response = JobContractMapper.ToResponse(job.Value, context.Request.PathBase);
        if (job.Value.Status.IsTerminal())
        {
            context.Response.Headers.Location = location;
            return TypedResults.Ok(response);
        }
        context.Response.Headers.RetryAfter = "1";
        return TypedResults.Accepted(location, response);
    }

    private static async Task<Outcome<JobSnapshot>> SubmitAsync(HttpContext context, JobRequestReader reader, CallerJobs jobs)
    {
        Outcome<JobRequest> request = await reader.ReadAsync(context.Request);
        if (!request.Succeeded)
            return request.Failure;
        if (request.Value.Key is { } key)
            return await jobs.SubmitOnceAsync(
                key, cancellationToken => reader.BuildAsync(request.Value, cancellationToken), context.RequestAborted);
        Outcome<JobSubmission> submission = await reader.BuildAsync(request.Value, context.RequestAborted);
        return submission.Succeeded ? await jobs.SubmitAsync(submission.Value, context.RequestAborted) : submission.Failure;
    }

    private static async Task<Results<Ok<JobListResponse>, FailureResult>> ListAsync(
        HttpRequest request, CallerJobs jobs, JobTypeRegistry types, CancellationToken cancellationToken,
        string? status = null, string? model = null, string? type = null,
        string? limit = null, string? cursor = null)
    {
        Outcome<JobFilter> query = JobFilterReader.Read(status, model, type, limit, cursor, types);
        if (!query.Succeeded)
            return new FailureResult(query.Failure);
        Outcome<JobPage> page = await jobs.ListAsync(query.Value, cancellationToken);
        return page.Succeeded ? TypedResults.Ok(JobContractMapper.ToList(page.Value, request.PathBase)) : new FailureResult(page.Failure);
    }

    private static async Task<Results<Ok<JobResponse>, FailureResult>> GetAsync(
        string id, HttpRequest request, CallerJobs jobs, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> job = await jobs.FindAsync(id, cancellationToken);
        return job.Succeeded ? TypedResults.Ok(JobContractMapper.ToResponse(job.Value, request.PathBase)) : new FailureResult(job.Failure);
    }

    private static async Task<Results<Ok<JobResponse>, FailureResult>> ChangeAsync(
        string id, HttpRequest request, CallerJobs jobs, IOptions<LimitsOptions> limits, CancellationToken cancellationToken)
    {
        if (!request.HasJsonContentType())
            return new FailureResult(MediaTypes.Unsupported(request.ContentType ?? "", "application/json"));
        Outcome<byte[]> body = await BodyReader.ReadAsync(request, limits.Value.MaxBodyBytes);
        Outcome<ChangeJobRequest> change = body.Succeeded ? JsonBody.Deserialize<ChangeJobRequest>(body.Value) : body.Failure;
        Outcome<JobSnapshot> job = change.Succeeded ? await jobs.KeepAsync(id, change.Value.Keep, cancellationToken) : change.Failure;
        return job.Succeeded ? TypedResults.Ok(JobContractMapper.ToResponse(job.Value, request.PathBase)) : new FailureResult(job.Failure);
    }

    private static async Task<Results<Accepted<JobResponse>, FailureResult>> CancelAsync(
        string id, HttpRequest request, CallerJobs jobs, CancellationToken cancellationToken) =>
        Accepted(request, await jobs.CancelAsync(id, cancellationToken));

    private static async Task<Results<Accepted<JobResponse>, FailureResult>> PauseAsync(
        string id, HttpRequest request, CallerJobs jobs, CancellationToken cancellationToken) =>
        Accepted(request, await jobs.PauseAsync(id, cancellationToken));

    private static async Task<Results<Accepted<JobResponse>, FailureResult>> ResumeAsync(
        string id, HttpRequest request, CallerJobs jobs, CancellationToken cancellationToken) =>
        Accepted(request, await jobs.ResumeAsync(id, cancellationToken));

    private static async Task<Results<Accepted<JobResponse>, FailureResult>> ExtendAsync(
        string id, HttpContext context, JobExtensionReader reader, CallerJobs jobs)
    {
        Outcome<int> steps = await reader.ReadAsync(id, context.Request);
        if (!steps.Succeeded)
            return new FailureResult(steps.Failure);
        Outcome<JobSnapshot> job = await jobs.ExtendAsync(id, steps.Value, context.RequestAborted);
        if (job.Succeeded)
            context.Response.Headers.RetryAfter = "1";
        return Accepted(context.Request, job);
    }

    private static Results<Accepted<JobResponse>, FailureResult> Accepted(HttpRequest request, Outcome<JobSnapshot> job) => job.Succeeded
        ? TypedResults.Accepted(
            JobContractMapper.PathOf(job.Value.Id, request.PathBase), JobContractMapper.ToResponse(job.Value, request.PathBase))
        : new FailureResult(job.Failure);

    private static async Task<Results<NoContent, FailureResult>> DeleteAsync(
        string id, CallerJobs jobs, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> job = await jobs.DeleteAsync(id, cancellationToken);
        return job.Succeeded ? TypedResults.NoContent() : new FailureResult(job.Failure);
    }
}
