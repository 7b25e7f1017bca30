using EbmService.Api.Dashboard;
using EbmService.Api.Datasets;
using EbmService.Api.Errors;
using EbmService.Api.Health;
using EbmService.Api.Hubs;
using EbmService.Api.Inputs;
using EbmService.Api.Jobs;
using EbmService.Api.Models;
using EbmService.Api.OpenApi;
using EbmService.Api.Queries;
using EbmService.Api.Results;
using EbmService.Api.Security;
using EbmService.Api.Service;
using EbmService.Api.Telemetry;

namespace EbmService.Api.Hosting;

internal static class WebApplicationBuilderExtensions
{
    /// <summary>Fills in where to listen and where the bundled models lie, unless the configuration says otherwise.</summary>
    internal static WebApplicationBuilder UseServiceDefaults(this WebApplicationBuilder builder)
    {
        // Not in appsettings.json: there it would win over ASPNETCORE_URLS.
        if (ListenAddresses.Configured(builder.Configuration).Count == 0)
            builder.WebHost.UseUrls(ListenAddresses.Default);
        if (string.IsNullOrWhiteSpace(builder.Configuration["Models:Path"]))
            builder.Configuration["Models:Path"] = Path.Combine(AppContext.BaseDirectory, "models");
        // A start that fails is told by StartFailures or by the runtime; the host's own error would repeat it with a stack trace.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        // Of every request without a valid key; the audit log writes some of them.
        builder.Logging.AddFilter(typeof(KeyAuthenticationHandler).FullName, LogLevel.Warning);
        return builder;
    }
}

internal static class WebApplicationExtensions
{
    /// <summary>What every request passes, outermost first.</summary>
    internal static WebApplication UseApi(this WebApplication app)
    {
        if (app.Configuration[PathPrefix.Setting] is { Length: > 0 } prefix)
            app.UsePathBase(prefix);
        app.Use(next => context => PathPrefix.InvokeAsync(context, next));
        app.Use(next => context => SecurityHeaders.InvokeAsync(context, next));
        app.Use(next => context => TraceResponse.InvokeAsync(context, next));
        app.UseExceptionHandler();
        app.UseStatusCodePages(StatusCodeProblems.WriteAsync);
        app.Use(next => context => StatusCodeProblems.UncoverAsync(context, next));
        HostGuard hosts = app.Services.GetRequiredService<HostGuard>();
        app.Use(next => context => hosts.InvokeAsync(context, next));
        app.Use(next => context => UnicodeGuard.CheckAddressAsync(context, next));
        SameOriginGuard origins = app.Services.GetRequiredService<SameOriginGuard>();
        app.Use(next => context => origins.InvokeAsync(context, next));
        app.Use(next => context => HeadRequests.AsGet(context, next));
        // Said here, or the framework would put it before all of the above.
        app.UseRouting();
        app.UseSecurity();
        app.Use(next => context => HubRequests.CheckAsync(context, next));
        app.Use(next => context => ContentEncodings.Normalize(context, next));
        app.UseRequestDecompression();
        return app;
    }

    internal static WebApplication MapApi(this WebApplication app)
    {
        app.MapModels();
        app.MapModelPictures();
        app.MapDatasets();
        app.MapQueries();
        app.MapJobs();
        app.MapJobEvents();
        app.MapJobMonitor();
        app.MapResults();
        app.MapService();
        app.MapHealth();
        app.MapMetrics();
        app.MapHub<JobsHub>(JobsHub.Path, hub => hub.CloseOnAuthenticationExpiration = true)
            .RequireAuthorization(Scopes.Jobs).WithMetadata(QueryTokenAllowed.Instance);
        app.UseOpenApiDocument();
        app.MapDashboard();
        // Last, behind the document's own middleware.
        app.Use(next => context => HeadRequests.Restore(context, next));
        return app;
    }
}
