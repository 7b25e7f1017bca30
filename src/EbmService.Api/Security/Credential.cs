using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;

namespace EbmService.Api.Security;

/// <summary>What a request shows to be let in.</summary>
/// <param name="Token">A key or a JWT; null where there is none, or more than one.</param>
/// <param name="IsAmbiguous">Whether there are several: which one counts would be a guess.</param>
internal readonly record struct Credential(string? Token, bool IsAmbiguous)
{
    internal const string KeyHeader = "X-Api-Key";
    private const string Bearer = "Bearer ";

    /// <summary>Looks where a key may be: Authorization, X-Api-Key, and on routes that allow it what was access_token in the query.</summary>
    internal static Credential Read(HttpContext context)
    {
        IHeaderDictionary headers = context.Request.Headers;
        string? token = null;
        int count = 0;
        foreach (string? value in headers.Authorization)
        {
            // Another scheme is for a proxy on the way.
            if (value is null || !(value + " ").StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
                continue;
            token = value.Length > Bearer.Length ? value[Bearer.Length..].Trim() : "";
            count++;
        }
        foreach (string? value in headers[KeyHeader])
        {
            token = value?.Trim() ?? "";
            count++;
        }
        if (context.Features.Get<QueryToken>() is { } query && context.GetEndpoint()?.Metadata.GetMetadata<QueryTokenAllowed>() is not null)
        {
            token = query.Value;
            count++;
        }
        return count > 1 ? new Credential(null, IsAmbiguous: true) : new Credential(token, IsAmbiguous: false);
    }
}

/// <summary>Marks routes that browsers open without headers of their own: WebSockets and EventSource.</summary>
internal sealed class QueryTokenAllowed
{
    internal static QueryTokenAllowed Instance { get; } = new();
}

/// <summary>What the query of a request held as access_token before it was taken out.</summary>
internal sealed record QueryToken(string Value)
{
    internal const string Name = "access_token";

    public override string ToString() => Name;
}

/// <summary>
/// Takes access_token out of the address before anything of the server reads it: request logs, traces and error pages then have nothing
/// to hide. Wraps the framework's factory, which is the first to see a request.
/// </summary>
internal sealed class QueryTokenContextFactory(IServiceProvider services) : IHttpContextFactory
{
    private readonly DefaultHttpContextFactory _inner = new(services);

    public HttpContext Create(IFeatureCollection featureCollection)
    {
        if (featureCollection.Get<IHttpRequestFeature>() is { QueryString.Length: > 1 } request)
            Take(request, featureCollection);
        return _inner.Create(featureCollection);
    }

    public void Dispose(HttpContext httpContext) => _inner.Dispose(httpContext);

    private static void Take(IHttpRequestFeature request, IFeatureCollection features)
    {
        string? token = null;
        List<string>? others = null;
        foreach (QueryStringEnumerable.EncodedNameValuePair pair in new QueryStringEnumerable(request.QueryString))
        {
            if (pair.DecodeName().Span.Equals(QueryToken.Name, StringComparison.OrdinalIgnoreCase))
                token = token is null ? pair.DecodeValue().ToString() : "";
        }
        if (token is null)
            return;
        foreach (QueryStringEnumerable.EncodedNameValuePair pair in new QueryStringEnumerable(request.QueryString))
        {
            if (!pair.DecodeName().Span.Equals(QueryToken.Name, StringComparison.OrdinalIgnoreCase))
                (others ??= []).Add($"{pair.EncodedName}={pair.EncodedValue}");
        }
        request.QueryString = others is null ? "" : "?" + string.Join('&', others);
        int at = request.RawTarget.IndexOf('?', StringComparison.Ordinal);
        request.RawTarget = (at < 0 ? request.RawTarget : request.RawTarget[..at]) + request.QueryString;
        features.Set(new QueryToken(token));
    }
}
