using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text.Json;
using EbmService.Client.Http;
using EbmService.Core.Jobs;

namespace EbmService.Client.Events;

/// <summary>Watches over server-sent events: plain HTTP, which passes where SignalR does not.</summary>
internal sealed class JobEventStream(EbmHttp http)
{
    private const string MediaType = "text/event-stream";

    /// <summary>
    /// What tells a browser's fetch to give the body as it comes; the extension method for it is in a package for WebAssembly alone.
    /// </summary>
    private static readonly HttpRequestOptionsKey<bool> s_browserStreaming = new("WebAssemblyEnableStreamingResponse");

    /// <value>The service sends a comment every 15 s; a connection that says nothing for so long is broken.</value>
    internal TimeSpan Silence { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Takes events until the watch has its end or the connection breaks.</summary>
    /// <param name="connected">Called once events come.</param>
    /// <returns>Whether the watch has its end.</returns>
    internal async Task<bool> WatchAsync(IJobWatch watch, Func<CancellationToken, Task> connected, CancellationToken cancellationToken)
    {
        HttpRequestMessage request = EbmHttp.Request(HttpMethod.Get, watch.JobId is { } id ? JobsClient.PathOf(id) + "/events" : "v1/events");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(MediaType));
        if (watch.LastSequence > 0)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", watch.LastSequence.ToString(CultureInfo.InvariantCulture));
        request.Options.Set(s_browserStreaming, true);
        // The watch itself comes back.
        request.Options.Set(RetryRules.Never, true);
        using HttpResponseMessage response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        watch.Touch();
        if (response.StatusCode == HttpStatusCode.NoContent)
            return watch.JobId is { } over && await EndAsync(watch, over, cancellationToken).ConfigureAwait(false);
        if (response.Content.Headers.ContentType?.MediaType != MediaType)
            throw EbmHttp.Unexpected(response, "the answer is no stream of events");
        await connected(cancellationToken).ConfigureAwait(false);
        await using Stream body = new PatientStream(await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), Silence);
        try
        {
            await foreach (SseItem<JobEvent?> item in SseParser.Create(body, Parse).EnumerateAsync(cancellationToken).ConfigureAwait(false))
            {
                if (item.Data is { } happened && watch.Offer(happened with { Sequence = SequenceOf(item) ?? happened.Sequence }))
                    return true;
            }
        }
        catch (JsonException broken)
        {
            throw EbmHttp.Unexpected(response, $"an event is not what this client expects: {broken.Message}", broken);
        }
        return false;

        JobEvent? Parse(string type, ReadOnlySpan<byte> data) => type switch
        {
            "job" => new JobChangedEvent(JsonSerializer.Deserialize<JobResponse>(data, EbmClientJson.Options)!, null),
            "progress" => JobMessages.ToEvent(JsonSerializer.Deserialize<JobProgressMessage>(data, EbmClientJson.Options)!),
            "preview" => ToPreview(JsonSerializer.Deserialize<JobPreviewMessage>(data, EbmClientJson.Options)!),
            // Of a newer service.
            _ => null,
        };
    }

    private static long? SequenceOf(SseItem<JobEvent?> item) =>
        long.TryParse(item.EventId, NumberStyles.None, CultureInfo.InvariantCulture, out long sequence) ? sequence : null;

    private static JobPreviewEvent ToPreview(JobPreviewMessage message) => new(message.JobId, null, message.Step, message.Png);

    /// <summary>All its events were seen, but perhaps not by this watch's reader.</summary>
    private async Task<bool> EndAsync(IJobWatch watch, string id, CancellationToken cancellationToken)
    {
        JobResponse job = await http.GetAsync<JobResponse>(JobsClient.PathOf(id), cancellationToken).ConfigureAwait(false);
        return watch.Offer(new JobChangedEvent(job, null));
    }

    /// <summary>Fails a read that takes longer than a live connection's would.</summary>
    private sealed class PatientStream(Stream inner, TimeSpan patience) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(patience);
            try
            {
                return await inner.ReadAsync(buffer, limit.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException("the connection says nothing");
            }
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("reads here are asynchronous");

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
