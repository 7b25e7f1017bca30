using EbmService.Client.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace EbmService.Client;

/// <summary>Registers the client.</summary>
public static class EbmClientServiceCollectionExtensions
{
    /// <summary>The name of the client's <see cref="HttpClient"/> at <see cref="IHttpClientFactory"/>.</summary>
    public const string HttpClientName = "EbmService";

    /// <summary>
    /// Adds <see cref="EbmClient"/> as a singleton over <see cref="IHttpClientFactory"/>, with retries. The options are checked when the
    /// client is first asked for.
    /// </summary>
    /// <returns>For further handlers, a proxy or certificates.</returns>
    public static IHttpClientBuilder AddEbmClient(this IServiceCollection services, Action<EbmClientOptions> configure)
    {
        services.AddOptions<EbmClientOptions>().Configure(configure);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<EbmClientOptions>, EbmClientOptionsValidator>());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider =>
        {
            var factory = provider.GetRequiredService<IHttpClientFactory>();
            return new EbmClient(
                () => factory.CreateClient(HttpClientName), provider.GetRequiredService<IOptions<EbmClientOptions>>().Value,
                provider.GetRequiredService<TimeProvider>());
        });
        IHttpClientBuilder http = services.AddHttpClient(HttpClientName, (provider, client) =>
            EbmClient.Prepare(client, provider.GetRequiredService<IOptions<EbmClientOptions>>().Value));
        if (!OperatingSystem.IsBrowser())
            http.ConfigurePrimaryHttpMessageHandler(EbmClient.PrimaryHandler);
        http.AddResilienceHandler("EbmService", (pipeline, context) =>
            RetryRules.Configure(pipeline, context.ServiceProvider.GetRequiredService<IOptions<EbmClientOptions>>().Value));
        return http;
    }
}
