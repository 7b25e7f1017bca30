using EbmService.Client.Http;
using EbmService.Core.Datasets;

namespace EbmService.Client;

/// <summary>Rows that are uploaded once and named by jobs.</summary>
public sealed class DatasetsClient
{
    private readonly EbmHttp _http;

    internal DatasetsClient(EbmHttp http) => _http = http;

    /// <summary>All datasets, by name.</summary>
    public async Task<IReadOnlyList<DatasetResponse>> ListAsync(CancellationToken cancellationToken = default) =>
        (await _http.GetAsync<DatasetListResponse>("v1/datasets", cancellationToken).ConfigureAwait(false)).Datasets;

    public Task<DatasetResponse> GetAsync(string dataset, CancellationToken cancellationToken = default) =>
        _http.GetAsync<DatasetResponse>(PathOf(dataset), cancellationToken);

    /// <summary>Uploads rows under a name. The same rows under the same name again are no error, so a broken upload is simply sent
    /// again.</summary>
    /// <param name="rows">
    /// A file, told by its first bytes: npy, npz, IDX, a zip of PNG files, CSV, each also under gzip. It is read from where it stands and
    /// stays
    /// the caller's.
    /// </param>
    /// <param name="labels">Class indices as npy, IDX or CSV; null where the rows hold them or there are none.</param>
    public Task<DatasetResponse> UploadAsync(string dataset, Stream rows, Stream? labels = null, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Put, PathOf(dataset), rows, labels, cancellationToken);

    /// <summary>
    /// As <see cref="UploadAsync"/>, by POST, which is not sent again by itself: for a service whose proxy takes no PUT.
    /// </summary>
    public Task<DatasetResponse> CreateAsync(string dataset, Stream rows, Stream? labels = null, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Post, $"v1/datasets?name={EbmHttp.Part(dataset)}", rows, labels, cancellationToken);

    /// <summary>Deletes a dataset that no job uses.</summary>
    public Task DeleteAsync(string dataset, CancellationToken cancellationToken = default) => _http.DeleteAsync(PathOf(dataset), cancellationToken);

    /// <summary>The first rows as one PNG, where they are images or points of the plane.</summary>
    public async Task<byte[]> PreviewAsync(string dataset, CancellationToken cancellationToken = default)
    {
        using HttpResponseMessage response = await _http.SendAsync(
            EbmHttp.Request(HttpMethod.Get, PathOf(dataset) + "/preview"), cancellationToken).ConfigureAwait(false);
        return await EbmHttp.ReadBytesAsync(response, cancellationToken).ConfigureAwait(false);
    }

    private Task<DatasetResponse> SendAsync(HttpMethod method, string path, Stream rows, Stream? labels, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(rows);
        HttpRequestMessage request = EbmHttp.Request(method, path, labels is null
            ? UploadContents.FromStream(rows, UploadContents.Octets)
            : UploadContents.FromParts(("rows", rows), ("labels", labels)));
        request.Options.Set(RetryRules.Timeout, Timeout.InfiniteTimeSpan);
        return _http.ReadAsync<DatasetResponse>(request, cancellationToken);
    }

    private static string PathOf(string dataset) => $"v1/datasets/{EbmHttp.Part(dataset)}";
}
