namespace EbmService.Api.Hosting;

/// <summary>
/// The prefix that a proxy serves the service under. A proxy that takes it off says so in
/// X-Forwarded-Prefix; one that leaves it on needs the setting PathBase. Either way it stands
/// in Request.PathBase, and every address that an answer names begins with it.
/// </summary>
internal static class PathPrefix
{
    internal const string Setting = "PathBase";
    internal const string Header = "X-Forwarded-Prefix";
    private const int MaxLength = 256;

    internal static Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        // The outermost proxy's prefix comes first.
        string[] parts = context.Request.Headers[Header].ToString().Split(',', StringSplitOptions.TrimEntries);
        string prefix = string.Concat(parts.Select(part => part.TrimEnd('/')));
        if (IsPath(prefix))
            context.Request.PathBase = new PathString(prefix) + context.Request.PathBase;
        return next(context);
    }

    // What it names goes into answers: only what a path is made of.
    private static bool IsPath(string prefix) =>
        prefix.Length is > 1 and <= MaxLength && prefix[0] == '/'
        && !prefix.Contains("//", StringComparison.Ordinal) && !prefix.Contains("..", StringComparison.Ordinal)
        && prefix.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '-' or '_' or '.' or '~');
}
