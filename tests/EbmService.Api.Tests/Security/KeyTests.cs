using System.Net;
using EbmService.Api.Security;
using EbmService.Jobs.Keys;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace EbmService.Api.Tests.Security;

public sealed class KeyTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero));
    private readonly ApiFactory _factory;
    private readonly string _key;
    private readonly HttpClient _client;

    public KeyTests()
    {
        _factory = new ApiFactory { Clock = _clock };
        _key = _factory.Keys.Add(expires: _clock.GetUtcNow().AddHours(1));
        _client = _factory.CreateClient();
    }

    public void Dispose() => _factory.Dispose();

    [Theory]
    [InlineData("Authorization", "Bearer {0}")]
    [InlineData("Authorization", "bearer   {0}  ")]
    [InlineData("X-Api-Key", "{0}")]
    [InlineData("x-api-key", " {0}")]
    public async Task RightKey_InEitherHeader_IsLetIn(string header, string format) =>
        Assert.Equal(HttpStatusCode.OK, (await _client.SendAsync(
            "GET", "/v1/models", (header, string.Format(System.Globalization.CultureInfo.InvariantCulture, format, _key)))).StatusCode);

    [Fact]
    public async Task OddTexts_AreRefusedAndNeverShown()
    {
        string[] odd =
        [
            "", " ", "ebm", "ebm_", "ebm__", _key[..^1], _key + "0", _key.ToUpperInvariant(), _key.Replace("ebm_", "EBM_"), _key[1..], "x" + _key[1..],
            _key[..^1] + (_key[^1] == '0' ? '1' : '0'), _key[..16] + "-" + _key[17..], _key + "," + _key, $"\"{_key}\"", new string('e', 8000),
            _key[..20] + "é" + _key[21..], "ebm_" + new string('_', 77), "null", "undefined", "Bearer " + _key,
        ];
        foreach (string text in odd)
        {
            HttpResponseMessage response = await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(text));
            string body = await response.Content.ReadAsStringAsync(HttpTestExtensions.Cancel);
            Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"'{text}': {(int)response.StatusCode}");
            Assert.True(text.Trim().Length < 8 || !body.Contains(text), $"'{text}' is shown");
        }
    }

    [Fact]
    public async Task SeveralKeys_AreRefused_AndOtherSchemesAreForOthers()
    {
        string other = _factory.Keys.Add();
        (string, string)[][] ambiguous =
        [
            [KeyClientExtensions.Bearer(_key), KeyClientExtensions.Bearer(other)],
            [KeyClientExtensions.Bearer(_key), KeyClientExtensions.Bearer(_key)],
            [KeyClientExtensions.Bearer(_key), KeyClientExtensions.ApiKey(_key)],
            [KeyClientExtensions.ApiKey(_key), KeyClientExtensions.ApiKey(_key)],
        ];
        foreach ((string, string)[] headers in ambiguous)
            await (await _client.SendAsync("GET", "/v1/models", headers)).ProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");

        Assert.Equal(HttpStatusCode.OK,
            (await _client.SendAsync("GET", "/v1/models", ("Authorization", "Basic cHJveHk6cHJveHk="), KeyClientExtensions.ApiKey(_key))).StatusCode);
    }

    [Fact]
    public async Task Expiry_EndsTheKeyToTheSecond()
    {
        _clock.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, (await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(_key))).StatusCode);

        _clock.Advance(TimeSpan.FromSeconds(1));

        var problem = await (await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(_key)))
            .ProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");
        Assert.Equal("The key has expired.", (string?)problem["detail"]);
    }

    [Fact]
    public async Task NewAndRevokedKeys_CountAfterARefresh_AndTheServiceStaysClosed()
    {
        string made = _factory.Keys.Add();
        Assert.Equal(HttpStatusCode.Unauthorized, (await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(made))).StatusCode);

        await AfterRefreshAsync(() => Ring.Check(made).Succeeded);
        Assert.Equal(HttpStatusCode.OK, (await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(made))).StatusCode);
        _factory.Keys.Revoke(made);
        _factory.Keys.Revoke(_key);
        await AfterRefreshAsync(() => !Ring.Check(made).Succeeded);

        var problem = await (await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(made)))
            .ProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");
        Assert.Equal("The key has been revoked.", (string?)problem["detail"]);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _client.GetAsync("/v1/models", HttpTestExtensions.Cancel)).StatusCode);
    }

    [Fact]
    public async Task UnreadableTable_KeepsTheKeysThatWereRead()
    {
        _factory.Keys.Fails = new IOException("the disk is gone");
        for (int i = 0; i < 5; i++)
        {
            _clock.Advance(TimeSpan.FromSeconds(2));
            await Task.Delay(20, HttpTestExtensions.Cancel);
        }

        Assert.Equal(HttpStatusCode.OK, (await _client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(_key))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _client.GetAsync("/v1/models", HttpTestExtensions.Cancel)).StatusCode);
        _factory.Keys.Fails = null;
        string made = _factory.Keys.Add();
        await AfterRefreshAsync(() => Ring.Check(made).Succeeded);
    }

    [Theory]
    [InlineData("/v1/models", false)]
    [InlineData("/v1/jobs", false)]
    [InlineData("/v1/events", true)]
    [InlineData("/v1/jobs/0123/events", true)]
    [InlineData("/hubs/jobs", true)]
    public async Task KeyInTheQuery_CountsForTheHubAndEventsAlone(string path, bool counts)
    {
        HttpResponseMessage response = await _client.SendAsync("GET", $"{path}?access_token={_key}&x=1");

        Assert.Equal(counts, response.StatusCode != HttpStatusCode.Unauthorized);
        response.Dispose();
    }

    [Fact]
    public async Task FirstKey_ClosesAnOpenService()
    {
        using var factory = new ApiFactory { Clock = _clock };
        using HttpClient client = factory.CreateClient();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/models", HttpTestExtensions.Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", "/v1/models", KeyClientExtensions.Bearer(ApiKeyText.Create()))).StatusCode);

        factory.Keys.Add();
        KeyRing ring = factory.Services.GetRequiredService<KeyRing>();
        await AfterRefreshAsync(() => !ring.IsOpen);

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/v1/models", HttpTestExtensions.Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live", HttpTestExtensions.Cancel)).StatusCode);
    }

    [Fact]
    public async Task RequireKey_ClosesAServiceWithoutKeys()
    {
        using var factory = new ApiFactory { Settings = new() { ["Security:RequireKey"] = "true" } };

        Assert.Equal(HttpStatusCode.Unauthorized, (await factory.CreateClient().GetAsync("/v1/models", HttpTestExtensions.Cancel)).StatusCode);
    }

    [Fact]
    public async Task KeysTenant_StandsInPlaceOfTheHeader_AndAnotherIsRefused()
    {
        string key = _factory.Keys.Add("team-a");
        await AfterRefreshAsync(() => Ring.Check(key).Succeeded);
        using HttpClient client = _factory.ClientWith(key);

        var job = await (await client.PostJsonAsync("/v1/jobs", """{"model": "digits"}""")).JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal("team-a", (string?)job["tenant"]);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync("GET", "/v1/jobs", ("X-Tenant", "team-a"))).StatusCode);
        await (await client.SendAsync("GET", "/v1/jobs", ("X-Tenant", "team-b"))).ProblemAsync(HttpStatusCode.Forbidden, "forbidden");
        await (await client.SendAsync("GET", "/v1/events?tenant=team-b")).ProblemAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task JobsThatChangeWhatIsServed_NeedModelsAdmin()
    {
        string key = _factory.Keys.Add(scopes: ["jobs"]);
        await AfterRefreshAsync(() => Ring.Check(key).Succeeded);
        using HttpClient client = _factory.ClientWith(key);

        await (await client.PostJsonAsync("/v1/jobs", """{"type": "training", "model": "new", "spec": {}}"""))
            .ProblemAsync(HttpStatusCode.Forbidden, "forbidden");
    }

    /// <summary>A body of a stranger is not taken, however large it is said to be.</summary>
    [Theory]
    [InlineData("POST", "/v1/jobs")]
    [InlineData("PUT", "/v1/datasets/big")]
    [InlineData("PUT", "/v1/models/digits/versions/2")]
    [InlineData("POST", "/v1/models/digits/energy")]
    public async Task StrangersBody_IsNotRead(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new UnreadableContent() };

        // A client that follows redirects would read it itself.
        using HttpClient client = _factory.CreateClient(new() { AllowAutoRedirect = false });
        HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, HttpTestExtensions.Cancel);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.False(((UnreadableContent)request.Content).WasFinished);
    }

    private KeyRing Ring => _factory.Services.GetRequiredService<KeyRing>();

    private Task AfterRefreshAsync(Func<bool> condition) => Poll.UntilAsync(() =>
    {
        _clock.Advance(TimeSpan.FromSeconds(1));
        return Task.FromResult(condition());
    });

    /// <summary>Sends for ever: only who does not wait for the end can answer.</summary>
    private sealed class UnreadableContent : HttpContent
    {
        internal bool WasFinished { get; private set; }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            byte[] some = new byte[1 << 16];
            for (int i = 0; i < 100_000; i++)
                await stream.WriteAsync(some, HttpTestExtensions.Cancel);
            WasFinished = true;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
