using EbmService.Api.Errors;
using EbmService.Api.Evaluation;
using EbmService.Api.Health;
using EbmService.Api.Hubs;
using EbmService.Api.Jobs;
using EbmService.Api.Models;
using EbmService.Api.OpenApi;
using EbmService.Api.Results;

namespace EbmService.Api.Hosting;

internal static class WebApplicationExtensions
{
    /// <summary>What every request passes, outermost first.</summary>
    internal static WebApplication UseApi(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages(StatusCodeProblems.WriteAsync);
        app.Use((context, next) =>
        {
            context.Response.Headers.XContentTypeOptions = "nosniff";
            return next();
        });
        app.Use(next => context => SameOriginGuard.InvokeAsync(context, next));
        app.UseRequestDecompression();
        return app;
    }

    internal static WebApplication MapApi(this WebApplication app)
    {
        app.MapModels();
        app.MapEvaluation();
        app.MapJobs();
        app.MapJobEvents();
        app.MapResults();
        app.MapHealth();
        app.MapHub<JobsHub>(JobsHub.Path);
        return app.UseOpenApiDocument();
    }
}
