using System.Globalization;
using EbmService.Api.Errors;
using EbmService.Api.OpenApi;
using EbmService.Api.Security;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;

namespace EbmService.Api.Jobs;

/// <summary>Event logs as server-sent events: one job's, or all jobs' on one connection. The hub sends the same events.</summary>
internal static class JobEventEndpoints
{
    private const string LastEventId = "Last-Event-ID";

    internal static IEndpointRouteBuilder MapJobEvents(this IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder streams = routes.MapGroup("").WithTags("Jobs").RequireAuthorization(Scopes.Jobs).WithMetadata(QueryTokenAllowed.Instance);
        streams.MapGet("/v1/jobs/{id}/events", WatchAsync).WithName("WatchJob")
            .WithSummary("Server-sent events: job, progress, preview; the last is the terminal 'job' event.")
            .WithDescription("Each event's id is its sequence number: send the last one seen as Last-Event-ID to go on "
                + "after a broken connection; "
                + "204 when there is nothing after it and never will be. A comment line is sent while nothing happens.")
            .WithMetadata(new HeaderParameter(LastEventId, "The sequence number of the last event seen."))
            .Produces<string>(200, EventStream.MediaType).Produces(204)
            .Fails(FailureCode.InvalidRequest, FailureCode.JobNotFound, FailureCode.StorageBusy);
        streams.MapGet("/v1/events", WatchAllAsync).WithName("WatchJobs")
            .WithSummary("Server-sent events of all jobs on one connection: job and progress, without previews and without an end.")
            .WithDescription("Begins with the current state of every job that has not ended. Events carry no id, as "
                + "sequence numbers count per job: "
                + "after a broken connection GET /v1/jobs tells which jobs have ended meanwhile.")
            .WithMetadata(new HeaderParameter(
                TenantHeader.Name, "Only this tenant's jobs; those of all without it. Browsers, which can't set it, write ?tenant=."))
            .Produces<string>(200, EventStream.MediaType).Fails(FailureCode.InvalidRequest);
        return routes;
    }

    private static async Task<IResult> WatchAsync(string id, HttpContext context, CallerJobs jobs, EventStream stream)
    {
        if (!TryReadLast(context.Request, out long last))
            return new FailureResult(
                Failure.OfFields([new FieldError(LastEventId, "Must be a sequence number, as in the 'id' of an earlier event.")]));
        Outcome<JobSnapshot> job = await jobs.FindAsync(id, context.RequestAborted);
        if (!job.Succeeded)
            return new FailureResult(job.Failure);
        await AnswerAsync(context, stream, jobs.WatchAsync(id, last, context.RequestAborted), numbered: true,
            mayBeOver: job.Value.Status.IsTerminal());
        return TypedResults.Empty;
    }

    private static async Task<IResult> WatchAllAsync(HttpContext context, CallerJobs jobs, EventStream stream, string? tenant = null)
    {
        var errors = new List<FieldError>();
        string? only = context.Request.Headers.ContainsKey(TenantHeader.Name) ? TenantHeader.Read(context.Request, errors) : tenant;
        if (errors.Count > 0)
            return new FailureResult(Failure.OfFields(errors));
        IAsyncEnumerable<JobLogEntry> events = jobs.WatchAsync(id: null, afterSequence: 0, context.RequestAborted);
        await AnswerAsync(context, stream, only is null ? events : TenantEvents.Of(events, only, context.RequestAborted), numbered: false, mayBeOver: false);
        return TypedResults.Empty;
    }

    private static async Task AnswerAsync(
        HttpContext context, EventStream stream, IAsyncEnumerable<JobLogEntry> events, bool numbered, bool mayBeOver)
    {
        try
        {
            await (HttpMethods.IsHead(context.Request.Method)
                ? EventStream.StartAsync(context.Response) : stream.WriteAsync(context, events, numbered, mayBeOver));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has left.
        }
    }

    private static bool TryReadLast(HttpRequest request, out long last)
    {
        last = 0;
        string text = request.Headers[LastEventId].ToString();
        return text.Length == 0 || long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out last);
    }
}
