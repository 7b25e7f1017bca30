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
        return builder;
    }
}
