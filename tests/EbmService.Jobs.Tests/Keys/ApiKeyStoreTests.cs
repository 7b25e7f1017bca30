using EbmService.Core.Failures;
using EbmService.Jobs.Keys;
using EbmService.Jobs.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace EbmService.Jobs.Tests.Keys;

public sealed class ApiKeyStoreTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ebm-keys-").FullName;
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero));
    private readonly ServiceProvider _services;
    private readonly IApiKeys _sut;

    public ApiKeyStoreTests()
    {
        _services = new ServiceCollection().AddMetrics().AddSingleton<TimeProvider>(_clock).AddApiKeys(Folder).BuildServiceProvider();
        _sut = _services.GetRequiredService<IApiKeys>();
    }

    private string Folder => Path.Combine(_root, "data");

    public void Dispose()
    {
        _services.Dispose();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_root, recursive: true);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task List_NoFolder_IsEmptyAndMakesNone()
    {
        Assert.Empty(await _sut.ListAsync(Cancel));

        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public async Task Create_KeepsTheHashAndNotTheKey()
    {
        (ApiKey key, string text) = await _sut.CreateAsync("ci", "team-a", ["jobs", "infer", "jobs"], _clock.GetUtcNow().AddDays(1), Cancel);

        Assert.Equal(ApiKeyText.Length, text.Length);
        Assert.Equal(key.Id, ApiKeyText.IdOf(text));
        Assert.Equal(Convert.ToHexStringLower(ApiKeyText.HashOf(text)), key.Hash);
        ApiKey stored = Assert.Single(await _sut.ListAsync(Cancel));
        Assert.Equal(("ci", "team-a", key.Hash), (stored.Name, stored.Tenant, stored.Hash));
        Assert.Equal(["jobs", "infer"], stored.Scopes);
        Assert.Equal((_clock.GetUtcNow(), _clock.GetUtcNow().AddDays(1), null), (stored.CreatedAt, stored.ExpiresAt, stored.RevokedAt));
        string secret = text[^64..];
        SqliteConnection.ClearAllPools();
        Assert.DoesNotContain(Directory.GetFiles(Folder), file => File.ReadAllText(file, System.Text.Encoding.Latin1).Contains(secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Create_Twice_MakesTwoThatHaveNothingInCommon()
    {
        (ApiKey first, string one) = await _sut.CreateAsync("a", "default", ["jobs"], null, Cancel);
        (ApiKey second, string other) = await _sut.CreateAsync("a", "default", ["jobs"], null, Cancel);

        Assert.NotEqual(first.Id, second.Id);
        Assert.NotEqual(one[^64..], other[^64..]);
    }

    [Theory]
    [InlineData("", "default", "jobs", 0, "name")]
    [InlineData("a\nb", "default", "jobs", 0, "name")]
    [InlineData("a", "../x", "jobs", 0, "tenant")]
    [InlineData("a", ".x", "jobs", 0, "tenant")]
    [InlineData("a", "", "jobs", 0, "tenant")]
    [InlineData("a", "default", "", 0, "scopes")]
    [InlineData("a", "default", "jobs,admin", 0, "scopes")]
    [InlineData("a", "default", "jobs", -1, "expires")]
    public async Task Create_BadField_IsRefusedByName(string name, string tenant, string scopes, int days, string field)
    {
        DateTimeOffset? end = days == 0 ? null : _clock.GetUtcNow().AddDays(days);

        var refusal = await Assert.ThrowsAsync<FailureException>(() => _sut.CreateAsync(
            name, tenant, scopes.Split(',', StringSplitOptions.RemoveEmptyEntries), end, Cancel));

        Assert.Equal(field, refusal.Failure.Fields[0].Field);
        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public async Task Revoke_IsOnceAndForGood()
    {
        (ApiKey key, _) = await _sut.CreateAsync("a", "default", ["jobs"], null, Cancel);
        _clock.Advance(TimeSpan.FromHours(1));

        ApiKey? revoked = await _sut.RevokeAsync(key.Id, Cancel);
        _clock.Advance(TimeSpan.FromHours(1));
        ApiKey? again = await _sut.RevokeAsync(key.Id, Cancel);

        Assert.Equal(_clock.GetUtcNow().AddHours(-1), revoked!.RevokedAt);
        Assert.Equal(revoked.RevokedAt, again!.RevokedAt);
        Assert.Null(await _sut.RevokeAsync("000000000000", Cancel));
    }

    /// <summary>What the next service learns from the lock, how the last one ended, is not changed by making a key.</summary>
    [Fact]
    public async Task Create_AfterAKilledService_LeavesItsTrace()
    {
        Directory.CreateDirectory(Folder);
        await File.WriteAllTextAsync(Path.Combine(Folder, "lock"), "in use", Cancel);

        await _sut.CreateAsync("a", "default", ["jobs"], null, Cancel);

        Assert.Equal("in use", await File.ReadAllTextAsync(Path.Combine(Folder, "lock"), Cancel));
    }

    [Fact]
    public async Task Create_WhileAServiceHoldsTheFolder_Works()
    {
        await _sut.CreateAsync("a", "default", ["jobs"], null, Cancel);
        using FileStream? held = DataFolderLock.TryOpen(Folder);
        Assert.NotNull(held);
        await using ServiceProvider other = new ServiceCollection().AddMetrics().AddApiKeys(Folder).BuildServiceProvider();

        await other.GetRequiredService<IApiKeys>().CreateAsync("b", "default", ["jobs"], null, Cancel);

        Assert.Equal(2, (await _sut.ListAsync(Cancel)).Count);
    }

    [Fact]
    public async Task Create_WhileAnOlderServiceHoldsTheFolder_SaysSo()
    {
        Directory.CreateDirectory(Folder);
        using FileStream? held = DataFolderLock.TryOpen(Folder);
        Task<(ApiKey, string)> creating = _sut.CreateAsync("a", "default", ["jobs"], null, Cancel);
        while (!creating.IsCompleted)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5, Cancel);
        }

        Assert.Contains("older version", (await Assert.ThrowsAsync<StorageUnavailableException>(() => creating)).Message);
    }

    [Fact]
    public async Task Create_ByManyAtOnce_MakesEveryKey()
    {
        ServiceProvider[] programs = [.. Enumerable.Range(0, 4).Select(_ => new ServiceCollection().AddMetrics().AddApiKeys(Folder).BuildServiceProvider())];

        await Task.WhenAll(programs.SelectMany(program => Enumerable.Range(0, 5).Select(_ => Task.Run(() =>
            program.GetRequiredService<IApiKeys>().CreateAsync("many", "default", ["jobs"], null, Cancel)))));

        Assert.Equal(20, (await _sut.ListAsync(Cancel)).Count);
        foreach (ServiceProvider program in programs)
            await program.DisposeAsync();
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("Team_1.x-y", true)]
    [InlineData("9", true)]
    [InlineData("", false)]
    [InlineData("-a", false)]
    [InlineData("..", false)]
    [InlineData("a/b", false)]
    [InlineData("a b", false)]
    [InlineData("é", false)]
    public void TenantName_IsWhatFoldersAndHeadersTake(string name, bool expected) => Assert.Equal(expected, TenantName.IsValid(name));

    [Fact]
    public void TenantName_HasALimit()
    {
        Assert.True(TenantName.IsValid(new string('a', 64)));
        Assert.False(TenantName.IsValid(new string('a', 65)));
    }
}
