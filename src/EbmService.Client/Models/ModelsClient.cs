using EbmService.Client.Http;
using EbmService.Core.Models;

namespace EbmService.Client;

/// <summary>Hosted models. Loading, uploading and composing are for administrators.</summary>
public sealed class ModelsClient
{
    private readonly EbmHttp _http;

    internal ModelsClient(EbmHttp http) => _http = http;

    /// <summary>Every model with its versions.</summary>
    public async Task<IReadOnlyList<ModelSummary>> ListAsync(CancellationToken cancellationToken = default) =>
        (await _http.GetAsync<ModelListResponse>("v1/models", cancellationToken).ConfigureAwait(false)).Models;

    /// <summary>A model's card.</summary>
    /// <param name="version">The newest ready one by default.</param>
    public Task<ModelCardResponse> GetAsync(string model, string? version = null, CancellationToken cancellationToken = default) =>
        _http.GetAsync<ModelCardResponse>(PathOf(model, version), cancellationToken);

    /// <summary>The calibrations that jobs have made of a model, and which is used by default.</summary>
    public Task<CalibrationListResponse> ListCalibrationsAsync(string model, CancellationToken cancellationToken = default) =>
        _http.GetAsync<CalibrationListResponse>(PathOf(model, null) + "/calibrations", cancellationToken);

    /// <summary>The pictures of a model: samples, training curves.</summary>
    public async Task<IReadOnlyList<ModelPictureResponse>> ListPicturesAsync(string model, CancellationToken cancellationToken = default) =>
        (await _http.GetAsync<ModelPicturesResponse>(PathOf(model, null) + "/pictures", cancellationToken).ConfigureAwait(false)).Pictures;

    /// <summary>One picture of a model, a PNG file.</summary>
    public async Task<byte[]> ReadPictureAsync(string model, string name, CancellationToken cancellationToken = default)
    {
        using HttpResponseMessage response = await _http.SendAsync(
            EbmHttp.Request(HttpMethod.Get, $"{PathOf(model, null)}/pictures/{EbmHttp.Part(name)}"), cancellationToken).ConfigureAwait(false);
        return await EbmHttp.ReadBytesAsync(response, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Checks a version, puts it into memory and lets it compute once.</summary>
    /// <param name="version">The newest one by default.</param>
    public Task<ModelSummary> LoadAsync(string model, string? version = null, CancellationToken cancellationToken = default) =>
        ChangeAsync(model, version, "/load", cancellationToken);

    /// <summary>Takes a version out of service until it is loaded again.</summary>
    /// <param name="version">The newest one by default.</param>
    public Task<ModelSummary> UnloadAsync(string model, string? version = null, CancellationToken cancellationToken = default) =>
        ChangeAsync(model, version, "/unload", cancellationToken);

    /// <summary>Adds a version of a model, or a new model with its first version.</summary>
    public Task<ModelCardResponse> UploadAsync(string model, string version, ModelFiles files, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(version);
        ArgumentNullException.ThrowIfNull(files);
        HttpRequestMessage request = EbmHttp.Request(HttpMethod.Put, PathOf(model, version), UploadContents.FromParts(
            ("descriptor", files.Descriptor), ("weights", files.Weights), ("buffer", files.Buffer), ("calibration", files.Calibration)));
        request.Options.Set(RetryRules.Timeout, Timeout.InfiniteTimeSpan);
        return _http.ReadAsync<ModelCardResponse>(request, cancellationToken);
    }

    /// <summary>Makes a model of hosted ones: a product or a mixture of their densities.</summary>
    public Task<ModelCardResponse> ComposeAsync(CompositionRequest composition, CancellationToken cancellationToken = default) =>
        _http.ReadAsync<ModelCardResponse>(EbmHttp.Request(HttpMethod.Post, "v1/models", EbmHttp.Json(composition)), cancellationToken);

    internal static string PathOf(string model, string? version) =>
        version is null ? $"v1/models/{EbmHttp.Part(model)}" : $"v1/models/{EbmHttp.Part(model)}/versions/{EbmHttp.Part(version)}";

    private Task<ModelSummary> ChangeAsync(string model, string? version, string change, CancellationToken cancellationToken) =>
        _http.ReadAsync<ModelSummary>(EbmHttp.Request(HttpMethod.Post, PathOf(model, version) + change), cancellationToken);
}

/// <summary>
/// The files of a model version. They are read from where they stand and stay the caller's. A seekable stream can be sent again after a
/// broken connection.
/// </summary>
public sealed record ModelFiles
{
    /// <value>model.json; may be left out for a model that is there.</value>
    public Stream? Descriptor { get; init; }

    /// <value>safetensors.</value>
    public Stream? Weights { get; init; }

    /// <value>safetensors: the replay buffer.</value>
    public Stream? Buffer { get; init; }

    /// <value>safetensors.</value>
    public Stream? Calibration { get; init; }
}
