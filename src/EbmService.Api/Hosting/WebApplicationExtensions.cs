using EbmService.Api.Errors;
using EbmService.Api.Evaluation;
using EbmService.Api.Health;
using EbmService.Api.Hubs;
using EbmService.Api.Jobs;
using EbmService.Api.Models;
using EbmService.Api.OpenApi;
using EbmService.Api.Results;
using Microsoft.Extensions.Options;

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

    /// <summary>Runs until stopped; a refused configuration ends the process with 1 and its message instead of a crash dump.</summary>
    internal static Task RunServiceAsync(this WebApplication app)
    {
        // Not a catch: hosts that embed the service, as tests do, must see the exception.
        AppDomain.CurrentDomain.UnhandledException += (_, unhandled) =>
        {
            if (unhandled.ExceptionObject is not (StartRefusedException or OptionsValidationException))
                return;
            Console.Error.WriteLine($"The service did not start: {((Exception)unhandled.ExceptionObject).Message}");
            Environment.Exit(1);
        };
        return app.RunAsync();
    }
}
