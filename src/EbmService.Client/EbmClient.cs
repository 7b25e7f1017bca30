using EbmService.Client.Events;
using EbmService.Client.Http;
using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace EbmService.Client;

/// <summary>
/// Talks to one EbmService. Thread-safe; make one and keep it: by <see cref="EbmClientServiceCollectionExtensions.AddEbmClient"/>, or by
/// <see cref="Create"/>. All that the service refuses is an <see cref="EbmException"/>.
/// </summary>
public sealed class EbmClient : IAsyncDisposable
{
    private readonly HttpClient? _owned;
    private readonly JobEventSource _events;

    internal EbmClient(Func<HttpClient> clients, EbmClientOptions options, TimeProvider clock, HttpClient? owned = null)
    {
        _owned = owned;
        Options = options;
        var http = new EbmHttp(clients, options);
        _events = new JobEventSource(http, clock);
        Jobs = new JobsClient(http, _events);
        Models = new ModelsClient(http);
        Queries = new QueriesClient(http);
        Datasets = new DatasetsClient(http);
        Service = new ServiceClient(http);
    }

    /// <value>What the client was made with. The key and the tenant may be changed at any time: the next request has them.</value>
    public EbmClientOptions Options { get; }

    /// <value>Long work: create, look, wait, watch, results.</value>
    public JobsClient Jobs { get; }

    /// <value>Hosted models: cards, loading, uploads.</value>
    public ModelsClient Models { get; }

    /// <value>Short queries: energies, classes, out-of-distribution verdicts.</value>
    public QueriesClient Queries { get; }

    /// <value>Uploaded rows.</value>
    public DatasetsClient Datasets { get; }

    /// <value>Whether the service lives and is ready.</value>
    public ServiceClient Service { get; }

    /// <summary>A client with connections of its own, for programs without dependency injection.</summary>
    /// <param name="options">Where the service is.</param>
    /// <param name="handler">What sends the requests, for example with a proxy or a client certificate; it is disposed with the
    /// client.</param>
    /// <exception cref="ArgumentException">The options are not valid; the message says why.</exception>
    public static EbmClient Create(EbmClientOptions options, HttpMessageHandler? handler = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (new EbmClientOptionsValidator().Validate(null, options) is { Failed: true } wrong)
            throw new ArgumentException(wrong.FailureMessage, nameof(options));
        var pipeline = new ResiliencePipelineBuilder<HttpResponseMessage>();
        RetryRules.Configure(pipeline, options);
        var http = new HttpClient(new ResilienceHandler(pipeline.Build()) { InnerHandler = handler ?? PrimaryHandler() });
        Prepare(http, options);
        return new EbmClient(() => http, options, TimeProvider.System, http);
    }

    /// <summary>Ends all watches and connections.</summary>
    public async ValueTask DisposeAsync()
    {
        await _events.DisposeAsync().ConfigureAwait(false);
        _owned?.Dispose();
    }

    internal static void Prepare(HttpClient http, EbmClientOptions options)
    {
        http.BaseAddress = WithSlash(options.BaseAddress);
        // Each attempt has a limit of its own.
        http.Timeout = Timeout.InfiniteTimeSpan;
    }

    internal static HttpMessageHandler PrimaryHandler() => OperatingSystem.IsBrowser()
        ? new HttpClientHandler()
        : new SocketsHttpHandler
        {
            // Names may move to other addresses.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectTimeout = TimeSpan.FromSeconds(15),
        };

    /// <summary>Without the slash at its end the last step of the prefix would be replaced.</summary>
    internal static Uri WithSlash(Uri address) =>
        address.AbsoluteUri.EndsWith('/') ? address : new Uri(address.AbsoluteUri + "/");
}
