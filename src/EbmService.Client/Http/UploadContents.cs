using System.Net;
using System.Net.Http.Headers;

namespace EbmService.Client.Http;

/// <summary>Bodies of uploads: a seekable stream is sent again from where it stood, another one is sent once.</summary>
internal static class UploadContents
{
    internal const string Octets = "application/octet-stream";

    internal static HttpContent FromStream(Stream content, string mediaType)
    {
        HttpContent body = content.CanSeek ? new RewindingContent(content) : new OneWayContent(new RewindingContent(content));
        body.Headers.ContentType = MediaTypeHeaderValue.Parse(mediaType);
        return body;
    }

    /// <summary>A form of files; parts without content are left out.</summary>
    internal static HttpContent FromParts(params ReadOnlySpan<(string Name, Stream? Content)> parts)
    {
        var form = new MultipartFormDataContent();
        bool oneWay = false;
        foreach ((string name, Stream? content) in parts)
        {
            if (content is null)
                continue;
            oneWay |= !content.CanSeek;
            form.Add(new RewindingContent(content) { Headers = { ContentType = new MediaTypeHeaderValue(Octets) } }, name, name);
        }
        return oneWay ? new OneWayContent(form) : form;
    }
}

/// <summary>Sends a stream from where it stands and, where that is possible, each time anew; the stream stays the caller's.</summary>
internal sealed class RewindingContent(Stream content) : HttpContent
{
    private const int BufferBytes = 128 * 1024;
    private readonly long _start = content.CanSeek ? content.Position : 0;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (content.CanSeek)
            content.Position = _start;
        return content.CopyToAsync(stream, BufferBytes, cancellationToken);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = content.CanSeek ? content.Length - _start : 0;
        return content.CanSeek;
    }
}

/// <summary>Marks a body that can be sent only once.</summary>
internal sealed class OneWayContent : HttpContent
{
    private readonly HttpContent _content;

    internal OneWayContent(HttpContent content)
    {
        _content = content;
        foreach ((string name, IEnumerable<string> values) in content.Headers.NonValidated.Select(header => (header.Key, (IEnumerable<string>)header.Value)))
            Headers.TryAddWithoutValidation(name, values);
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => _content.CopyToAsync(stream, context);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken) =>
        _content.CopyToAsync(stream, context, cancellationToken);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _content.Dispose();
        base.Dispose(disposing);
    }
}
