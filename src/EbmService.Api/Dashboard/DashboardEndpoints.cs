using Microsoft.Net.Http.Headers;

namespace EbmService.Api.Dashboard;

/// <summary>The pages at /dashboard: files that run in the browser and use the API as any client does.</summary>
internal static class DashboardEndpoints
{
    internal const string Path = "/dashboard";

    private const string Page = "index.html";
    private const string Base = "<base href=\"/dashboard/\"";

    internal static WebApplication MapDashboard(this WebApplication app)
    {
        app.MapGet(Path + "/{**path}", AnswerAsync).AllowAnonymous().ExcludeFromDescription();
        return app;
    }

    /// <summary>A file, or the page: every address that looks like no file is one of its pages.</summary>
    private static async Task<IResult> AnswerAsync(string? path, HttpContext context, DashboardFiles files)
    {
        if (files.Find(path ?? "") is { } file && path != Page)
            return Send(file, context);
        bool isPage = System.IO.Path.GetExtension(path ?? "").Length == 0 || path == Page;
        return isPage && files.Find(Page) is { } page ? await PageAsync(page, context) : TypedResults.NotFound();
    }

    private static IResult Send(DashboardFile file, HttpContext context)
    {
        IList<StringWithQualityHeaderValue> accepted = context.Request.GetTypedHeaders().AcceptEncoding;
        (string? coding, string path) = file.Compressed.FirstOrDefault(
            one => accepted.Any(asked => asked.Value == one.Coding && asked.Quality is null or > 0));
        IHeaderDictionary headers = context.Response.Headers;
        headers.CacheControl = file.CacheControl;
        headers.Vary = HeaderNames.AcceptEncoding;
        if (coding is not null)
            headers.ContentEncoding = coding;
        return TypedResults.PhysicalFile(path ?? file.Path, file.MediaType, entityTag: file.TagOf(coding));
    }

    private static async Task<IResult> PageAsync(DashboardFile page, HttpContext context)
    {
        string text = await File.ReadAllTextAsync(page.Path, context.RequestAborted);
        // What the browser resolves addresses by, wherever a proxy puts the service.
        string prefix = context.Request.PathBase.ToUriComponent();
        context.Response.Headers.CacheControl = "no-cache";
        return TypedResults.Content(text.Replace(Base, $"<base href=\"{prefix}{Path}/\"", StringComparison.Ordinal), "text/html; charset=utf-8");
    }
}
