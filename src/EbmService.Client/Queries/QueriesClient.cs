using System.Net.Http.Headers;
using EbmService.Client.Http;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;

namespace EbmService.Client;

/// <summary>Short queries, answered within the request, ahead of all jobs. They change nothing and are sent again where the service is
/// busy.</summary>
public sealed class QueriesClient
{
    private readonly EbmHttp _http;

    internal QueriesClient(EbmHttp http) => _http = http;

    /// <summary>E(x) of each input, lower = more likely, and dE/dx where asked for.</summary>
    public Task<EnergyResponse> EnergyAsync(
        string model, QueryInput inputs, EnergyOptions? options = null, CancellationToken cancellationToken = default) =>
        _http.ReadAsync<EnergyResponse>(Energy(model, inputs, options), cancellationToken);

    /// <summary>p(y | x) of each input.</summary>
    public Task<ClassifyResponse> ClassifyAsync(
        string model, QueryInput inputs, ClassifyOptions? options = null, CancellationToken cancellationToken = default) =>
        _http.ReadAsync<ClassifyResponse>(Classify(model, inputs, options), cancellationToken);

    /// <summary>Out-of-distribution scores, p-value and verdict of each input.</summary>
    public Task<OodResponse> OodAsync(string model, QueryInput inputs, OodOptions? options = null, CancellationToken cancellationToken = default) =>
        _http.ReadAsync<OodResponse>(Ood(model, inputs, options), cancellationToken);

    /// <summary>Energies as an array (n): a smaller answer for large batches. An input without an answer is NaN; gradients are not among
    /// it.</summary>
    public Task<NpyArray> EnergyArrayAsync(
        string model, QueryInput inputs, EnergyOptions? options = null, CancellationToken cancellationToken = default) =>
        ReadArrayAsync(Energy(model, inputs, options), cancellationToken);

    /// <summary>Probabilities as an array (n, classes). An input without an answer is NaN.</summary>
    public Task<NpyArray> ClassifyArrayAsync(
        string model, QueryInput inputs, ClassifyOptions? options = null, CancellationToken cancellationToken = default) =>
        ReadArrayAsync(Classify(model, inputs, options), cancellationToken);

    /// <summary>p-values as an array (n), or the chosen score without a calibration. An input without an answer is NaN.</summary>
    public Task<NpyArray> OodArrayAsync(string model, QueryInput inputs, OodOptions? options = null, CancellationToken cancellationToken = default) =>
        ReadArrayAsync(Ood(model, inputs, options), cancellationToken);

    private static HttpRequestMessage Energy(string model, QueryInput inputs, EnergyOptions? options) =>
        Request(model, "energy", inputs, options, ("gradients", options?.Gradients));

    private static HttpRequestMessage Classify(string model, QueryInput inputs, ClassifyOptions? options) =>
        Request(model, "classify", inputs, options, ("refineSteps", options?.RefineSteps), ("abstainBelow", options?.AbstainBelow),
            ("calibration", options?.Calibration));

    private static HttpRequestMessage Ood(string model, QueryInput inputs, OodOptions? options) =>
        Request(model, "ood", inputs, options, ("score", options?.Score), ("alpha", options?.Alpha), ("calibration", options?.Calibration),
            ("falseDiscoveryRate", options?.FalseDiscoveryRate));

    private static HttpRequestMessage Request(
        string model, string query, QueryInput inputs, QueryOptions? options, params ReadOnlySpan<(string Name, object? Value)> members)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        string path = EbmHttp.WithQuery($"{ModelsClient.PathOf(model, options?.Version)}/{query}", [.. members, ("outOfRange", options?.OutOfRange)]);
        HttpRequestMessage request = EbmHttp.Request(HttpMethod.Post, path, inputs.ToContent());
        request.Options.Set(RetryRules.IsPure, true);
        return request;
    }

    private async Task<NpyArray> ReadArrayAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(NpyFormat.MediaType));
        using HttpResponseMessage response = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return EbmHttp.ReadArray(response, await EbmHttp.ReadBytesAsync(response, cancellationToken).ConfigureAwait(false));
    }
}
