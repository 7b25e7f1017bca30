using Microsoft.Extensions.Primitives;

namespace EbmService.Api.Inputs;

/// <summary>Brings Content-Encoding to the words that the decompression knows: any letter case, without identity and blanks, x-gzip as gzip.</summary>
internal static class ContentEncodings
{
    internal static Task Normalize(HttpContext context, RequestDelegate next)
    {
        IHeaderDictionary headers = context.Request.Headers;
        if (headers.ContentEncoding.Count > 0)
        {
            string[] known = [.. headers.ContentEncoding.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
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
