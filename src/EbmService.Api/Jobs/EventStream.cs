using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Jobs;

/// <summary>Section <c>Events</c>: server-sent events.</summary>
public sealed class EventStreamOptions
{
    public const string Section = "Events";

    /// <value>
    /// Seconds of silence after which a comment line is sent, as proxies cut
    /// connections that say nothing; 0.05 to 3600, 15 by default.
    /// </value>
    [Range(0.05, 3600)]
    public double KeepAliveSeconds { get; set; } = 15;
}

/// <summary>Checks all members and reports all errors together.</summary>
[OptionsValidator]
internal sealed partial class EventStreamOptionsValidator : IValidateOptions<EventStreamOptions>;

/// <summary>
/// Writes job events as server-sent events. The headers leave at once, also while
/// nothing happens, and a comment line after each time of silence.
/// </summary>
/// <remarks>https://html.spec.whatwg.org/multipage/server-sent-events.html</remarks>
internal sealed class EventStream(TimeProvider clock, IOptions<EventStreamOptions> options)
{
    internal const string MediaType = "text/event-stream";
    private static readonly byte[] Comment = ": nothing new\n\n"u8.ToArray();

    /// <param name="context">The request to answer.</param>
    /// <param name="events">What to send; the stream ends with it.</param>
    /// <param name="numbered">Whether events carry their sequence number as id, for a client to go on after it.</param>
    /// <param name="mayBeOver">Whether the stream may already be at its end: then none at all is answered 204, which
    /// tells browsers not to come back.</param>
    internal async Task WriteAsync(HttpContext context, IAsyncEnumerable<JobLogEntry> events, bool numbered, bool mayBeOver)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        await using IAsyncEnumerator<JobLogEntry> source = events.GetAsyncEnumerator(over.Token);
        Task<bool> next = source.MoveNextAsync().AsTask();
        try
        {
            if (mayBeOver && !await next)
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }
            await StartAsync(context.Response);
            while (await ArrivesAsync(next, context))
            {
                await SendAsync(context, ToBytes(source.Current, numbered, context.Request.PathBase));
                next = source.MoveNextAsync().AsTask();
            }
        }
        finally
        {
            // A source that is still asked must not be disposed.
            await over.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The headers alone, as for HEAD.</summary>
    internal static Task StartAsync(HttpResponse response)
    {
        response.ContentType = MediaType;
        response.Headers.CacheControl = "no-cache,no-store";
        // Proxies that buffer would hold events back.
        response.Headers["X-Accel-Buffering"] = "no";
        return response.Body.FlushAsync(response.HttpContext.RequestAborted);
    }

    private async Task<bool> ArrivesAsync(Task<bool> next, HttpContext context)
    {
        var silence = TimeSpan.FromSeconds(options.Value.KeepAliveSeconds);
        while (!next.IsCompleted)
        {
            using var arrived = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
            Task pause = Task.Delay(silence, clock, arrived.Token);
            if (await Task.WhenAny(next, pause) == next || context.RequestAborted.IsCancellationRequested)
            {
                await arrived.CancelAsync();
                break;
            }
            await SendAsync(context, Comment);
        }
        return await next;
    }

    private static async Task SendAsync(HttpContext context, byte[] text)
    {
        await context.Response.Body.WriteAsync(text, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private static byte[] ToBytes(JobLogEntry happened, bool numbered, PathString prefix)
    {
        (string type, object data) = happened switch
        {
            JobChangedEntry changed => ("job", JobContractMapper.ToResponse(changed.Job, prefix)),
            JobProgressEntry progress => ("progress", JobContractMapper.ToMessage(progress)),
            JobPreviewEntry preview => ("preview", (object)new JobPreviewMessage(preview.JobId, preview.Step, preview.Png)),
            _ => ("other", new object()),
        };
        string id = numbered ? string.Create(CultureInfo.InvariantCulture, $"id: {happened.Sequence}\n") : "";
        // JSON without indentation has no line breaks, so one data line holds it.
        return Encoding.UTF8.GetBytes($"event: {type}\n{id}data: {JsonSerializer.Serialize(data, EbmJson.Options)}\n\n");
    }
}
