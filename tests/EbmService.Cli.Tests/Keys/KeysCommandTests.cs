using EbmService.Jobs.Keys;

namespace EbmService.Cli.Tests.Keys;

public sealed class KeysCommandTests : IDisposable
{
    private readonly CliTestBed _bed = new();

    private string Data => _bed.PathOf("data");

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _bed.Dispose();
    }

    [Fact]
    public async Task Create_PrintsTheKeyAloneAndOnce()
    {
        int code = await _bed.RunAsync(
            "keys", "create", "--data", Data, "--name", "ci", "--scopes", "infer,jobs", "metrics", "--tenant", "team-a", "--expires", "30d");

        Assert.Equal(0, code);
        string key = _bed.Out.Trim();
        Assert.NotNull(ApiKeyText.IdOf(key));
        Assert.DoesNotContain(key[^64..], _bed.Error);
        Assert.Contains("tenant team-a, scopes infer jobs metrics, expires 2026-12-24 12:00Z", _bed.Error);
        await _bed.RunAsync("keys", "list", "--data", Data);
        Assert.Contains($"{ApiKeyText.IdOf(key)}  ci  tenant team-a  scopes infer jobs metrics", _bed.Out);
        Assert.EndsWith("in force", _bed.Out.Trim());
        Assert.DoesNotContain(key[^64..], _bed.Out);
    }

    [Fact]
    public async Task Revoke_ByIdOrByTheKeyItself_EndsIt()
    {
        await _bed.RunAsync("keys", "create", "--data", Data, "--name", "a", "--scopes", "jobs");
        string first = _bed.Out.Trim();
        await _bed.RunAsync("keys", "create", "--data", Data, "--name", "b", "--scopes", "jobs");
        string second = _bed.Out.Trim();

        Assert.Equal(0, await _bed.RunAsync("keys", "revoke", ApiKeyText.IdOf(first)!, "--data", Data));
        Assert.Equal(0, await _bed.RunAsync("keys", "revoke", second, "--data", Data));
        Assert.DoesNotContain(second[^64..], _bed.Out);

        await _bed.RunAsync("keys", "list", "--data", Data);
        Assert.All(_bed.Out.Trim().Split('\n'), line => Assert.Contains("revoked 2026-11-24 12:00Z", line));
        Assert.Equal(2, await _bed.RunAsync("keys", "revoke", "000000000000", "--data", Data));
        Assert.Contains("no key of that id", _bed.Error);
    }

    [Theory]
    [InlineData("12h", "2026-11-25 00:00Z")]
    [InlineData("1d", "2026-11-25 12:00Z")]
    [InlineData("2027-01-31", "2027-01-31 00:00Z")]
    [InlineData("2027-01-31T08:00:00+02:00", "2027-01-31 06:00Z")]
    [InlineData("never", "expires never")]
    public async Task Expires_IsATimeFromNowOrADate(string text, string expected)
    {
        Assert.Equal(0, await _bed.RunAsync("keys", "create", "--data", Data, "--name", "a", "--scopes", "jobs", "--expires", text));

        Assert.Contains(expected, _bed.Error);
    }

    [Theory]
    [InlineData("--scopes", "jobs", "--expires", "soon")]
    [InlineData("--scopes", "jobs", "--expires", "0d")]
    [InlineData("--scopes", "jobs", "--expires", "2020-01-01")]
    [InlineData("--scopes", "root")]
    [InlineData("--scopes", "jobs", "--tenant", "../x")]
    public async Task Create_BadInput_IsRefusedAndMakesNothing(params string[] options)
    {
        Assert.Equal(2, await _bed.RunAsync(["keys", "create", "--data", Data, "--name", "a", .. options]));

        Assert.Empty(_bed.Out);
        Assert.StartsWith("ebm: ", _bed.Error);
        Assert.False(Directory.Exists(Data));
    }

    [Fact]
    public async Task List_NoFolderOrNoKeys_SaysSo()
    {
        Assert.Equal(2, await _bed.RunAsync("keys", "list", "--data", Data));
        Assert.Contains("there is no folder", _bed.Error);
        Directory.CreateDirectory(Data);

        Assert.Equal(0, await _bed.RunAsync("keys", "list", "--data", Data));

        Assert.Contains("no keys", _bed.Out);
        Assert.Empty(Directory.GetFiles(Data));
    }
}
