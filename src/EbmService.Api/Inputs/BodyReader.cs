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
        using var body = new MemoryStream((int)Math.Min(request.ContentLength ?? 0, limit));
        var chunk = new byte[ChunkBytes];
        int read;
        while ((read = await request.Body.ReadAsync(chunk, request.HttpContext.RequestAborted)) > 0)
        {
            if (body.Length + read > limit)
                return TooLarge(limit);
            body.Write(chunk, 0, read);
        }
        return body.ToArray();
    }

    private static Failure TooLarge(long limit) =>
        new(FailureCode.BodyTooLarge, $"The body is over this server's limit of {limit} bytes (after inflation).");
}
