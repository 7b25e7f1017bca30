using EbmService.Api.Security;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace EbmService.Api.Telemetry;

/// <summary>Hands the meters and spans of the service to their readers: Prometheus at /metrics, and a collector by OTLP.</summary>
internal static class TelemetryExtensions
{
    internal const string MetricsPath = "/metrics";
    private const string ServiceName = "ebm-service";

    /// <summary>Beside the engine's: HTTP, connections, SignalR, limits, and the runtime's memory, collections and threads.</summary>
    private static readonly string[] Meters =
    [
        JobsTelemetry.MeterName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "Microsoft.AspNetCore.Http.Connections",
        "Microsoft.AspNetCore.RateLimiting", "System.Runtime",
    ];

    /// <summary>Looked at every few seconds, or open for hours: no trace is worth a reader's time.</summary>
    private static readonly string[] Untraced = ["/health", MetricsPath, "/hubs", "/swagger", "/dashboard"];

    internal static WebApplicationBuilder AddTelemetry(this WebApplicationBuilder builder)
    {
        IConfigurationSection section = builder.Configuration.GetSection(TelemetryOptions.Section);
        builder.Services.AddOptions<TelemetryOptions>().Bind(section).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<TelemetryOptions>, TelemetryOptionsValidator>();
        TelemetryOptions options = section.Get<TelemetryOptions>() ?? new TelemetryOptions();
        if (!IsOn(builder.Configuration, options))
            return builder;
        Take(builder.Configuration, options.Otlp);
        OpenTelemetryBuilder telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => Describe(resource, builder.Configuration))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Meters);
                if (options.Prometheus)
                    metrics.AddPrometheusExporter();
                if (IsSent("METRICS", builder.Configuration))
                    metrics.AddOtlpExporter(exporter => Address(exporter, "METRICS", builder.Configuration));
            });
        // Without a reader no span is made.
        if (IsSent("TRACES", builder.Configuration))
            telemetry.WithTracing(traces => AddSpans(traces).AddOtlpExporter(exporter => Address(exporter, "TRACES", builder.Configuration)));
        if (IsSent("LOGS", builder.Configuration))
            telemetry.WithLogging(logs => logs.AddOtlpExporter(exporter => Address(exporter, "LOGS", builder.Configuration)));
        return builder;
    }

    /// <summary>The spans that the service makes, whoever takes them.</summary>
    internal static TracerProviderBuilder AddSpans(TracerProviderBuilder traces) => traces
        .AddSource(JobsTelemetry.SourceName, "Microsoft.AspNetCore.SignalR.Server")
        .AddAspNetCoreInstrumentation(http => http.Filter = context =>
            !Array.Exists(Untraced, path => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase)));

    internal static WebApplication MapMetrics(this WebApplication app)
    {
        TelemetryOptions options = app.Services.GetRequiredService<IOptions<TelemetryOptions>>().Value;
        if (options.Prometheus && IsOn(app.Configuration, options))
            app.MapPrometheusScrapingEndpoint(MetricsPath).RequireAuthorization(Scopes.Metrics);
        return app;
    }

    private static bool IsOn(IConfiguration configuration, TelemetryOptions options) =>
        options.Enabled && !string.Equals(configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Our settings as the SDK's own; where both are given, ours count.</summary>
    private static void Take(ConfigurationManager configuration, OtlpOptions otlp)
    {
        if (string.IsNullOrEmpty(otlp.Endpoint))
            return;
        configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] = otlp.Endpoint;
        configuration["OTEL_EXPORTER_OTLP_PROTOCOL"] = otlp.Protocol;
        if (!string.IsNullOrEmpty(otlp.Headers))
            configuration["OTEL_EXPORTER_OTLP_HEADERS"] = otlp.Headers;
    }

    /// <summary>As the standard variables say: a signal goes to its own address or to that of all, unless its exporter is "none".</summary>
    private static bool IsSent(string signal, IConfiguration configuration) =>
        (configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 } || configuration[$"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"] is { Length: > 0 })
        && configuration[$"OTEL_{signal}_EXPORTER"] is not "none";

    /// <summary>The exporter reads the address of all signals itself, and puts each signal's path behind it; a signal's own address is meant as it is.</summary>
    private static void Address(OtlpExporterOptions exporter, string signal, IConfiguration configuration)
    {
        if (configuration[$"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"] is { Length: > 0 } own)
            exporter.Endpoint = new Uri(own);
    }

    private static void Describe(ResourceBuilder resource, IConfiguration configuration)
    {
        string version = typeof(TelemetryExtensions).Assembly.GetName().Version?.ToString(3) ?? "";
        bool isNamed = configuration["OTEL_SERVICE_NAME"] is { Length: > 0 }
            || configuration["OTEL_RESOURCE_ATTRIBUTES"]?.Contains("service.name=", StringComparison.Ordinal) is true;
        if (isNamed)
            resource.AddAttributes([new("service.version", version)]);
        else
            resource.AddService(ServiceName, serviceVersion: version);
    }
}
