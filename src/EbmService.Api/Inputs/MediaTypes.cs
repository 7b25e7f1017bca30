using EbmService.Core.Failures;
using EbmService.Core.Tensors;
using Microsoft.Net.Http.Headers;

namespace EbmService.Api.Inputs;

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
