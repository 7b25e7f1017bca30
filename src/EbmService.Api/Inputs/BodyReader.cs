using EbmService.Api.Errors;
using EbmService.Core.Failures;
using EbmService.Core.Tensors;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace EbmService.Api.Inputs;

/// <summary>Reads a body; the limit holds for what arrives and for what it inflates to.</summary>
internal static class BodyReader
{
    private const int ChunkBytes = 64 * 1024;

    internal static Task<Outcome<byte[]>> ReadAsync(HttpRequest request, long limit) =>
        ReadAsync(request, limit, () => ReadWithinAsync(request, limit));

    /// <summary>Calls <paramref name="read"/>, which takes the body itself, and words what goes wrong on the wire.</summary>
    internal static async Task<Outcome<T>> ReadAsync<T>(HttpRequest request, long limit, Func<Task<Outcome<T>>> read)
    {
        if (request.ContentLength > limit)
            return TooLarge(limit);
        // The decompression middleware removes the encodings that it inflates.
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding)
        {
            return new Failure(FailureCode.UnsupportedMediaType, $"The Content-Encoding '{encoding}' is not supported.",
                "Send the body plain, or with one Content-Encoding: gzip, deflate or br.");
        }
        try
        {
            return await read();
        }
        catch (InvalidDataException)
        {
            return new Failure(FailureCode.InvalidRequest,
                "The body is not what its Content-Encoding says: it can't be inflated, or it is cut short.",
                "Compress the whole body with the named encoding, or send it plain without the header.");
        }
        catch (BadHttpRequestException bad)
        {
            return bad.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? TooLarge(limit)
                : new Failure(FailureProblemMapper.CodeOf(bad.StatusCode), bad.Message);
        }
    }

    private static async Task<Outcome<byte[]>> ReadWithinAsync(HttpRequest request, long limit)
    {
        CancellationToken aborted = request.HttpContext.RequestAborted;
        // A body of the stated length is read straight into its array; an inflated one is longer.
        var body = new byte[Math.Min(request.ContentLength ?? ChunkBytes, limit)];
        var next = new byte[1];
        int length = 0;
        while (true)
        {
            if (length < body.Length)
            {
                int read = await request.Body.ReadAsync(body.AsMemory(length), aborted);
                if (read == 0)
                    return body[..length];
                length += read;
            }
            else if (await request.Body.ReadAsync(next, aborted) == 0)
            {
                return body;
            }
            else if (length == limit)
            {
                return TooLarge(limit);
            }
            else
            {
                Array.Resize(ref body, (int)Math.Min(limit, Math.Max(2L * length, ChunkBytes)));
                body[length++] = next[0];
            }
        }
    }

    internal static Failure TooLarge(long limit) =>
        new(FailureCode.BodyTooLarge, $"The body is over this server's limit of {limit} bytes (after inflation).");
}

/// <summary>
/// Brings Content-Encoding to the words that the decompression knows: any
/// letter case, without identity and blanks, x-gzip as gzip.
/// </summary>
internal static class ContentEncodings
{
    internal static Task Normalize(HttpContext context, RequestDelegate next)
    {
        IHeaderDictionary headers = context.Request.Headers;
        if (headers.ContentEncoding.Count > 0)
        {
            string[] known = [.. headers.ContentEncoding.ToString()
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(encoding => encoding.ToLowerInvariant()).Where(encoding => encoding != "identity")
                .Select(encoding => encoding == "x-gzip" ? "gzip" : encoding)];
            // An empty header would still count as one.
            if (known.Length == 0)
                headers.Remove("Content-Encoding");
            else
                headers.ContentEncoding = new StringValues(string.Join(", ", known));
        }
        return next(context);
    }
}

internal static class MediaTypes
{
    internal static Failure Unsupported(string sent, params string[] read) => new(
        FailureCode.UnsupportedMediaType,
        sent.Length == 0 ? "The Content-Type is missing or can't be read." : $"Bodies of type '{sent}' are not read here.",
        $"Set Content-Type to {string.Join(" or ", read)}.");

    /// <summary>Whether Accept ranks npy above JSON; JSON is the answer in every other case.</summary>
    internal static bool PrefersNpy(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out IList<MediaTypeHeaderValue>? accepted))
            return false;
        double Quality(string type) => accepted
            .Where(range => range.MediaType.Equals(type, StringComparison.OrdinalIgnoreCase))
            .Select(range => range.Quality ?? 1).DefaultIfEmpty(0).Max();
        return Quality(NpyFormat.MediaType) > Quality("application/json");
    }
}
