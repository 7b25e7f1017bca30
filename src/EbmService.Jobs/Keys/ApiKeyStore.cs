using EbmService.Core.Failures;
using EbmService.Jobs.Storage;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Keys;

/// <inheritdoc cref="IApiKeys"/>
internal sealed class ApiKeyStore(
    DatabaseReader reader, DatabaseWriter writer, JobStore store, IOptions<StorageOptions> options, TimeProvider clock) : IApiKeys
{
    internal const int MaxNameLength = 100;
    private const char Separator = ' ';
    private static readonly TimeSpan PauseWhenHeld = TimeSpan.FromMilliseconds(100);

    private volatile bool _hasTable;

    private string Folder => Path.GetFullPath(options.Value.DataPath);

    public async Task<IReadOnlyList<ApiKey>> ListAsync(CancellationToken cancellationToken)
    {
        // Opening it would make it.
        if (!File.Exists(Path.Combine(Folder, JobsServiceCollectionExtensions.DatabaseFile)))
            return [];
        List<ApiKeyRow> rows = await reader.ReadAsync(context => HasTable(context)
            ? context.ApiKeys.AsNoTracking().OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).ToList() : [], cancellationToken);
        return [.. rows.Select(ToKey)];
    }

    public async Task<(ApiKey Key, string Text)> CreateAsync(
        string name, string tenant, IReadOnlyList<string> scopes, DateTimeOffset? expiresAt, CancellationToken cancellationToken)
    {
        DateTimeOffset now = clock.GetUtcNow();
        Check(name, tenant, scopes, expiresAt <= now);
        await PrepareAsync(cancellationToken);
        string text = ApiKeyText.Create();
        var row = new ApiKeyRow
        {
            Id = ApiKeyText.IdOf(text)!, Name = name, Tenant = tenant, Scopes = string.Join(Separator, scopes.Distinct()),
            Hash = Convert.ToHexStringLower(ApiKeyText.HashOf(text)), CreatedAt = now, ExpiresAt = expiresAt,
        };
        await writer.WriteAsync(context =>
        {
            context.ApiKeys.Add(row);
            return context.SaveChanges();
        }, waits: false);
        return (ToKey(row), text);
    }

    public async Task<ApiKey?> RevokeAsync(string id, CancellationToken cancellationToken)
    {
        if ((await ListAsync(cancellationToken)).All(key => key.Id != id))
            return null;
        DateTimeOffset now = clock.GetUtcNow();
        await writer.WriteAsync(context => context.ApiKeys.Where(row => row.Id == id && row.RevokedAt == null)
            .ExecuteUpdate(set => set.SetProperty(row => row.RevokedAt, now)), waits: false);
        return (await ListAsync(cancellationToken)).FirstOrDefault(key => key.Id == id);
    }

    private static void Check(string name, string tenant, IReadOnlyList<string> scopes, bool isOver)
    {
        var errors = new List<FieldError>();
        if (string.IsNullOrWhiteSpace(name) || name.Length > MaxNameLength || name.Any(char.IsControl))
            errors.Add(new("name", $"Must be 1 to {MaxNameLength} characters on one line."));
        if (!TenantName.IsValid(tenant))
            errors.Add(new("tenant", $"Must be {TenantName.Rule}."));
        string known = string.Join(", ", ApiKeyScopes.All);
        if (scopes.Count == 0)
            errors.Add(new("scopes", $"Name at least one of: {known}."));
        foreach (string scope in scopes.Where(scope => !ApiKeyScopes.All.Contains(scope)))
            errors.Add(new("scopes", $"There is no scope '{scope}'. Known: {known}."));
        if (isOver)
            errors.Add(new("expires", "Must be in the future."));
        if (errors.Count > 0)
            throw new FailureException(Failure.OfFields(errors));
    }

    /// <summary>
    /// Makes the table where it is missing. A service that runs has made it; otherwise nobody may start on the folder meanwhile. The lock's
    /// content, which tells the next service how the last one ended, stays as it is.
    /// </summary>
    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        for (long since = clock.GetTimestamp(); ;)
        {
            if ((await TryOpenAsync(cancellationToken)) is { } held)
            {
                await using (held)
                    await store.MigrateAsync(cancellationToken);
                return;
            }
            if (_hasTable)
                return;
            if (clock.GetElapsedTime(since) > TimeSpan.FromSeconds(options.Value.BusySeconds))
            {
                throw new StorageUnavailableException(
                    $"A service of an older version uses '{Folder}': stop it, or start it again as this version, then make the key.");
            }
            await Task.Delay(PauseWhenHeld, clock, cancellationToken);
        }
    }

    /// <returns>The folder's lock where the table has to be made; null where it is there, or another process holds the lock.</returns>
    private async Task<FileStream?> TryOpenAsync(CancellationToken cancellationToken)
    {
        await ListAsync(cancellationToken);
        return _hasTable ? null : DataFolderLock.TryOpen(Folder);
    }

    private bool HasTable(JobsDbContext context) =>
        _hasTable || (_hasTable = context.Database.GetAppliedMigrations().Any(name => name.EndsWith("_ApiKeys", StringComparison.Ordinal)));

    private static ApiKey ToKey(ApiKeyRow row) => new(row.Id, row.Name, row.Tenant,
        row.Scopes.Split(Separator, StringSplitOptions.RemoveEmptyEntries), row.Hash, row.CreatedAt, row.ExpiresAt, row.RevokedAt);
}
