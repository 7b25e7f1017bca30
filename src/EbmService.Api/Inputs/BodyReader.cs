using EbmService.Api.Errors;
using EbmService.Core.Failures;

namespace EbmService.Api.Inputs;

/// <summary>Reads a whole body into memory; the limit holds for what arrives and for what it inflates to.</summary>
internal static class BodyReader
{
    private const int ChunkBytes = 64 * 1024;

    internal static async Task<Outcome<byte[]>> ReadAsync(HttpRequest request, long limit)
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
            return await ReadWithinAsync(request, limit);
        }
        catch (InvalidDataException)
        {
            return new Failure(FailureCode.InvalidRequest, "The body is not what its Content-Encoding says: it can't be inflated, or it is cut short.",
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

    private static Failure TooLarge(long limit) =>
        new(FailureCode.BodyTooLarge, $"The body is over this server's limit of {limit} bytes (after inflation).");
}
