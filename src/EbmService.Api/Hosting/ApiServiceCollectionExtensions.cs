using EbmService.Api.Dashboard;
using EbmService.Api.Datasets;
using EbmService.Api.Errors;
using EbmService.Api.Hubs;
using EbmService.Api.Jobs;
using EbmService.Api.Limits;
using EbmService.Api.Models;
using EbmService.Api.OpenApi;
using EbmService.Api.Queries;
using EbmService.Api.Security;
using EbmService.Core.Json;
using EbmService.Jobs.Slots;
using MessagePack;
using MessagePack.Resolvers;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Hosting;

/// <summary>Registers all that speaks HTTP.</summary>
internal static class ApiServiceCollectionExtensions
{
    /// <summary>For what stops beside the worker: open requests, and the database.</summary>
    private static readonly TimeSpan ShutdownMargin = TimeSpan.FromSeconds(5);

    internal static IServiceCollection AddApi(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddSecurity(configuration);
        services.AddLimits(configuration);
        services.AddErrors();
        services.ConfigureHttpJsonOptions(json => EbmJson.Configure(json.SerializerOptions));
        services.AddRequestDecompression();
        services.AddSingleton<QueryReader>().AddSingleton<QueryHandler>().AddScoped<JobRequestReader>();
        services.AddScoped<JobExtensionReader>();
        services.AddScoped<ModelContractMapper>().AddSingleton<ModelUploadHandler>().AddSingleton<CompositionHandler>().AddHostedService<ModelPoller>();
        services.AddSingleton<DatasetUploadHandler>();
        services.AddSingleton<DashboardFiles>();
        services.AddJobsHub();
        services.AddShutdownTimeout();
        services.AddEventStreams(configuration);
        return services.AddOpenApiDocument();
    }

    private static void AddLimits(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<LimitsOptions>().Bind(configuration.GetSection(LimitsOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<LimitsOptions>, LimitsOptionsValidator>();
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<LimitsOptions>>((kestrel, limits) =>
        {
            kestrel.Limits.MaxRequestBodySize = limits.Value.MaxBodyBytes;
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(
                limits.Value.MinBodyBytesPerSecond, TimeSpan.FromSeconds(limits.Value.SlowBodyGraceSeconds));
            kestrel.AddServerHeader = false;
        });
    }

    /// <summary>
    /// The host waits as long as the worker may take to store the state of running jobs; its own default would cut that short.
    /// </summary>
    private static void AddShutdownTimeout(this IServiceCollection services) => services.AddOptions<HostOptions>()
        .Configure<IOptions<WorkerOptions>>((host, worker) =>
        {
            TimeSpan needed = TimeSpan.FromSeconds(worker.Value.StopSeconds) + ShutdownMargin;
            host.ShutdownTimeout = needed > host.ShutdownTimeout ? needed : host.ShutdownTimeout;
        });

    private static void AddEventStreams(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<EventStreamOptions>().Bind(configuration.GetSection(EventStreamOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<EventStreamOptions>, EventStreamOptionsValidator>();
        services.AddSingleton<EventStream>();
    }

    private static void AddErrors(this IServiceCollection services)
    {
        services.AddProblemDetails();
        services.AddExceptionHandler<FailureExceptionHandler>();
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
    }

    private static void AddJobsHub(this IServiceCollection services)
    {
        services.AddSingleton<JobWatches>();
        services.AddSignalR()
            .AddJsonProtocol(json => EbmJson.Configure(json.PayloadSerializerOptions))
            .AddMessagePackProtocol(options => options.SerializerOptions = MessagePackOptions);
    }

    internal static MessagePackSerializerOptions MessagePackOptions { get; } = MessagePackSerializerOptions.Standard
        .WithResolver(CompositeResolver.Create(JsonShapedResolver.Instance, StandardResolver.Instance))
        .WithSecurity(MessagePackSecurity.UntrustedData);
}
