using System.Net;
using EbmService.Client.Http;
using EbmService.Core.Health;
using EbmService.Core.Service;

namespace EbmService.Client;

/// <summary>Whether the service lives and is ready.</summary>
public sealed class ServiceClient
{
    private readonly EbmHttp _http;

    internal ServiceClient(EbmHttp http) => _http = http;

    /// <summary>Slots and what they do, the queue in its order, and rates over the last five minutes.</summary>
    public Task<ServiceResponse> GetAsync(CancellationToken cancellationToken = default) =>
        _http.GetAsync<ServiceResponse>("v1/service", cancellationToken);

    /// <summary>Answers while the process does.</summary>
    /// <exception cref="EbmException">It does not.</exception>
    public Task<LiveResponse> LiveAsync(CancellationToken cancellationToken = default) =>
        _http.GetAsync<LiveResponse>("health/live", cancellationToken);

    /// <summary>Whether the service can work, and why not: a service that is not ready is an answer, no exception.</summary>
    public async Task<ReadyResponse> ReadyAsync(CancellationToken cancellationToken = default)
    {
        // A probe says what is, now: it does not wait for better times.
        HttpRequestMessage request = EbmHttp.Request(HttpMethod.Get, "health/ready");
        request.Options.Set(RetryRules.Never, true);
        using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken,
            answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable && answer.Content.Headers.ContentType?.MediaType == "application/json")
            .ConfigureAwait(false);
        return await EbmHttp.ReadAsync<ReadyResponse>(response, cancellationToken).ConfigureAwait(false);
    }
}
