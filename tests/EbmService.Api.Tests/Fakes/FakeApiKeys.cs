using System.Collections.Concurrent;
using EbmService.Jobs.Keys;

namespace EbmService.Api.Tests.Fakes;

/// <summary>Keys in memory.</summary>
internal sealed class FakeApiKeys : IApiKeys
{
    private static readonly DateTimeOffset Made = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly ConcurrentDictionary<string, ApiKey> _keys = new();

    internal Exception? Fails { get; set; }

    public Task<IReadOnlyList<ApiKey>> ListAsync(CancellationToken cancellationToken) => Fails is { } failure
        ? Task.FromException<IReadOnlyList<ApiKey>>(failure)
        : Task.FromResult<IReadOnlyList<ApiKey>>([.. _keys.Values.OrderBy(key => key.Id)]);

    public Task<(ApiKey Key, string Text)> CreateAsync(
        string name, string tenant, IReadOnlyList<string> scopes, DateTimeOffset? expiresAt, CancellationToken cancellationToken)
    {
        string text = ApiKeyText.Create();
        var key = new ApiKey(ApiKeyText.IdOf(text)!, name, tenant, scopes, Convert.ToHexStringLower(ApiKeyText.HashOf(text)), Made, expiresAt, null);
        _keys[key.Id] = key;
        return Task.FromResult((key, text));
    }

    public Task<ApiKey?> RevokeAsync(string id, CancellationToken cancellationToken)
    {
        ApiKey? key = _keys.GetValueOrDefault(id);
        return Task.FromResult(key is null ? null : _keys[id] = key with { RevokedAt = Made.AddDays(1) });
    }

    /// <summary>Makes a key of all scopes but those left out.</summary>
    internal string Add(string tenant = "default", string[]? scopes = null, DateTimeOffset? expires = null, string name = "test") =>
        CreateAsync(name, tenant, scopes ?? [.. ApiKeyScopes.All], expires, default).Result.Text;

    internal void Revoke(string text) => RevokeAsync(ApiKeyText.IdOf(text)!, default);
}
