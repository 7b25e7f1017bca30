namespace EbmService.Client;

/// <summary>A result file on its way. Dispose it to let go of the connection.</summary>
public sealed class JobResultStream : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;

    internal JobResultStream(HttpResponseMessage response, Stream content)
    {
        _response = response;
        Content = content;
    }

    /// <value>The bytes from <see cref="From"/> on; forward only.</value>
    public Stream Content { get; }

    public string MediaType => _response.Content.Headers.ContentType?.MediaType ?? "application/octet-stream";

    /// <value>Where in the file the content begins.</value>
    public long From => _response.Content.Headers.ContentRange?.From ?? 0;

    /// <value>Bytes of the whole file.</value>
    public long? FileLength => _response.Content.Headers.ContentRange?.Length ?? _response.Content.Headers.ContentLength;

    /// <value>Of the whole file, 64 hex digits; null where a proxy took it away.</value>
    public string? Sha256 => _response.Headers.ETag?.Tag.Trim('"') is { Length: 64 } tag ? tag : null;

    public async ValueTask DisposeAsync()
    {
        await Content.DisposeAsync().ConfigureAwait(false);
        _response.Dispose();
    }
}
