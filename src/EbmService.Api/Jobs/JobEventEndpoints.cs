using System.Globalization;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using EbmService.Api.Errors;
using EbmService.Api.OpenApi;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using Microsoft.AspNetCore.Http.HttpResults;

namespace EbmService.Api.Jobs;

/// <summary>A job's event log as server-sent events; the hub sends the same events.</summary>
internal static class JobEventEndpoints
{
    internal static IEndpointRouteBuilder MapJobEvents(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/jobs/{id}/events", WatchAsync).WithTags("Jobs").WithName("WatchJob")
            .WithSummary("Server-sent events: job, progress, preview; the last is the terminal 'job' event.")
            .WithDescription("Each event's id is its sequence number: send the last one seen as Last-Event-ID to go on after a broken connection.")
            .WithMetadata(new HeaderParameter("Last-Event-ID", "The sequence number of the last event seen."))
            .Produces<string>(200, "text/event-stream").Fails(FailureCode.InvalidRequest, FailureCode.JobNotFound);
        return routes;
    }

    private static async Task<Results<ServerSentEventsResult<object>, FailureResult>> WatchAsync(
        string id, HttpContext context, IJobService jobs)
    {
        if (!TryReadLast(context.Request, out long last))
            return new FailureResult(Failure.OfFields([new FieldError("Last-Event-ID", "Must be a sequence number, as in the 'id' of an earlier event.")]));
        Outcome<JobSnapshot> job = await jobs.FindAsync(id, context.RequestAborted);
        if (!job.Succeeded)
            return new FailureResult(job.Failure);
        // Proxies that buffer would hold events back.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        return TypedResults.ServerSentEvents(ToItems(jobs.WatchAsync(id, last, context.RequestAborted), context.RequestAborted));
    }

    private static bool TryReadLast(HttpRequest request, out long last)
    {
        last = 0;
        string text = request.Headers["Last-Event-ID"].ToString();
        return text.Length == 0 || long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out last);
    }

    private static async IAsyncEnumerable<SseItem<object>> ToItems(
        IAsyncEnumerable<JobEvent> events, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (JobEvent happened in events.WithCancellation(cancellation))
        {
            (string type, object data) = happened switch
            {
                JobChangedEvent changed => ("job", JobContractMapper.ToResponse(changed.Job)),
                JobProgressEvent progress => ("progress", JobProgressMessage.Of(progress)),
                JobPreviewEvent preview => ("preview", (object)new JobPreviewMessage(preview.JobId, preview.Step, preview.Png)),
                _ => ("other", new object()),
            };
            yield return new SseItem<object>(data, type) { EventId = happened.Sequence.ToString(CultureInfo.InvariantCulture) };
        }
    }
}
