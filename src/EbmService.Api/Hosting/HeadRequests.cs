namespace EbmService.Api.Hosting;

/// <summary>HEAD wherever GET works: routed and served by middleware as GET, answered by the endpoint as HEAD, without a body.</summary>
internal static class HeadRequests
{
    private static readonly object Mark = new();

    /// <summary>Stands before routing.</summary>
    internal static Task AsGet(HttpContext context, RequestDelegate next)
    {
        if (!HttpMethods.IsHead(context.Request.Method))
            return next(context);
        context.Items[Mark] = true;
        context.Request.Method = HttpMethods.Get;
        // The server drops what is written; a server that does not, as in tests, gets nothing.
        context.Response.Body = Stream.Null;
        return next(context);
    }

    /// <summary>Stands after routing and before the endpoint: what it answers files with must not read them.</summary>
    internal static Task Restore(HttpContext context, RequestDelegate next)
    {
        if (context.Items.ContainsKey(Mark))
            context.Request.Method = HttpMethods.Head;
        return next(context);
    }
}
