namespace EbmService.Jobs.Keys;

/// <summary>The keys of a data folder. Works from several processes at once, also while the service runs. Thread-safe.</summary>
public interface IApiKeys
{
    /// <summary>All keys, revoked and expired ones too, oldest first; none where the folder has no database yet.</summary>
    /// <exception cref="Core.Failures.FailureException">The database can't be read.</exception>
    Task<IReadOnlyList<ApiKey>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Makes a key and keeps its hash.</summary>
    /// <returns>The key, and its text, which is kept nowhere.</returns>
    /// <exception cref="Core.Failures.FailureException">A field is not valid, or the database can't be written.</exception>
    /// <exception cref="Storage.StorageUnavailableException">The folder can't be written, or an older service runs on it.</exception>
    Task<(ApiKey Key, string Text)> CreateAsync(
        string name, string tenant, IReadOnlyList<string> scopes, DateTimeOffset? expiresAt, CancellationToken cancellationToken);

    /// <summary>Ends a key for good; its record stays.</summary>
    /// <returns>The key as it is now; null where there is none of that id.</returns>
    Task<ApiKey?> RevokeAsync(string id, CancellationToken cancellationToken);
}
