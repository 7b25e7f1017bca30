using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using EbmService.Client.Http;
using EbmService.Core.Jobs;

namespace EbmService.Client;

/// <content>The files that a job made.</content>
public sealed partial class JobsClient
{
    private const int BufferBytes = 128 * 1024;

    /// <summary>Name, media type, size and SHA-256 of each result file.</summary>
    public async Task<IReadOnlyList<JobResultResponse>> ListResultsAsync(string id, CancellationToken cancellationToken = default) =>
        (await _http.GetAsync<JobResultsResponse>(PathOf(id) + "/results", cancellationToken).ConfigureAwait(false)).Results;

    /// <summary>Opens a result file, whole or in part. It is not held in memory.</summary>
    /// <param name="from">The first byte.</param>
    /// <param name="to">The last byte; the file's end by default.</param>
    public Task<JobResultStream> OpenResultAsync(
        string id, string name, long from = 0, long? to = null, CancellationToken cancellationToken = default) =>
        OpenAsync(id, name, from, to, null, cancellationToken);

    /// <summary>A result file in memory.</summary>
    public async Task<byte[]> ReadResultAsync(string id, string name, CancellationToken cancellationToken = default)
    {
        using HttpResponseMessage response = await _http.SendAsync(
            EbmHttp.Request(HttpMethod.Get, PathOf(id, name)), cancellationToken).ConfigureAwait(false);
        return await EbmHttp.ReadBytesAsync(response, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A result that is a .npy file, for example <c>samples.npy</c>.</summary>
    public async Task<NpyArray> ReadArrayAsync(string id, string name, CancellationToken cancellationToken = default)
    {
        using HttpResponseMessage response = await _http.SendAsync(
            EbmHttp.Request(HttpMethod.Get, PathOf(id, name)), cancellationToken).ConfigureAwait(false);
        return EbmHttp.ReadArray(response, await EbmHttp.ReadBytesAsync(response, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>A result that is a JSON file, for example <c>card.json</c> or <c>trace.json</c>.</summary>
    public Task<JsonElement> ReadJsonAsync(string id, string name, CancellationToken cancellationToken = default) =>
        _http.GetAsync<JsonElement>(PathOf(id, name), cancellationToken);

    /// <summary>
    /// Writes a result file to a stream. A broken connection is taken up where it broke, and the whole is checked against the SHA-256 that
    /// the service names.
    /// </summary>
    /// <returns>The bytes written.</returns>
    /// <exception cref="EbmException">Also where the content is not that of the SHA-256.</exception>
    public async Task<long> DownloadAsync(string id, string name, Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long written = 0;
        string? expected = null;
        for (int failures = 0; ;)
        {
            long before = written;
            try
            {
                await using JobResultStream part = await OpenAsync(id, name, written, null, expected, cancellationToken).ConfigureAwait(false);
                if (part.From != written)
                    throw new EbmException(EbmException.UnexpectedAnswer, 0, "The file has changed.", $"'{name}' of job {id} changed while it was read.");
                expected = part.Sha256;
                await foreach (ReadOnlyMemory<byte> bytes in ReadAsync(part.Content, cancellationToken).ConfigureAwait(false))
                {
                    await destination.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
                    hash.AppendData(bytes.Span);
                    written += bytes.Length;
                }
                if (part.FileLength is null || written == part.FileLength)
                    break;
                throw new BrokenReadException(new IOException("the answer ended before the file"));
            }
            catch (BrokenReadException broken)
            {
                failures = written > before ? 1 : failures + 1;
                if (failures > _http.Options.MaxRetries)
                    throw EbmHttp.ToException(broken.InnerException!)!;
                await Task.Delay(_http.Options.RetryDelay, cancellationToken).ConfigureAwait(false);
            }
        }
        if (expected is not null && !Convert.ToHexStringLower(hash.GetHashAndReset()).Equals(expected, StringComparison.OrdinalIgnoreCase))
            throw new EbmException(EbmException.UnexpectedAnswer, 0, "The file is damaged.", $"'{name}' of job {id} is not what its SHA-256 says.");
        return written;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        Stream content, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferBytes];
        while (await ReadPartAsync(content, buffer, cancellationToken).ConfigureAwait(false) is > 0 and var read)
            yield return buffer.AsMemory(0, read);
    }

    private static async ValueTask<int> ReadPartAsync(Stream content, byte[] buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failed) when (failed is IOException or HttpRequestException && !cancellationToken.IsCancellationRequested)
        {
            // What the destination throws is the caller's; this is the network's.
            throw new BrokenReadException(failed);
        }
    }

    private async Task<JobResultStream> OpenAsync(string id, string name, long from, long? to, string? sha256, CancellationToken cancellationToken)
    {
        HttpRequestMessage request = EbmHttp.Request(HttpMethod.Get, PathOf(id, name));
        if (from != 0 || to is not null)
            request.Headers.Range = new RangeHeaderValue(from, to);
        if (from != 0 && sha256 is not null)
            request.Headers.IfRange = new RangeConditionHeaderValue($"\"{sha256}\"");
        HttpResponseMessage response = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return new JobResultStream(response, await EbmHttp.GuardAsync(
            () => response.Content.ReadAsStreamAsync(cancellationToken), cancellationToken).ConfigureAwait(false));
    }

    private static string PathOf(string id, string name) => $"{PathOf(id)}/results/{EbmHttp.Part(name)}";

    private sealed class BrokenReadException(Exception inner) : Exception(inner.Message, inner);
}
