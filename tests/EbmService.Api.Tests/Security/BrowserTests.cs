using System.Net;
using EbmService.Api.Security;
using Xunit;

namespace EbmService.Api.Tests.Security;

/// <summary>What browsers are told: origins that may use the service, and what pages may do.</summary>
public sealed class BrowserTests : IDisposable
{
    private const string Friend = "https://app.example.org", Stranger = "https://evil.example";

    private readonly ApiFactory _factory = new() { Settings = new() { ["Security:AllowedOrigins:0"] = Friend } };
    private readonly HttpClient _client;

    public BrowserTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Theory]
    [InlineData("/v1/jobs", "POST")]
    [InlineData("/v1/jobs/1", "DELETE")]
    [InlineData("/hubs/jobs/negotiate", "POST")]
    public async Task Preflight_OfAnAllowedOrigin_IsAnsweredWithoutAKey(string path, string method)
    {
        _factory.Keys.Add();

        HttpResponseMessage friend = await PreflightAsync(path, method, Friend), stranger = await PreflightAsync(path, method, Stranger);

        Assert.Equal(HttpStatusCode.NoContent, friend.StatusCode);
        Assert.Equal(Friend, friend.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Contains("x-api-key", friend.Headers.GetValues("Access-Control-Allow-Headers").Single(), StringComparison.OrdinalIgnoreCase);
        Assert.False(stranger.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task AllowedOrigin_MayChangeAndReadWhatPagesMaySee()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs") { Content = new StringContent("""{"model": "digits"}""") };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.Add("Origin", Friend);

        HttpResponseMessage answer = await _client.SendAsync(request, HttpTestExtensions.Cancel);

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        Assert.Equal(Friend, answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Contains("RateLimit", answer.Headers.GetValues("Access-Control-Expose-Headers").Single());
        await (await _client.SendAsync("POST", "/v1/jobs", ("Origin", Stranger))).ProblemAsync(HttpStatusCode.Forbidden, "foreignOrigin");
    }

    [Theory]
    [InlineData("/v1/models", HttpStatusCode.OK)]
    [InlineData("/v1/models/nothing", HttpStatusCode.NotFound)]
    [InlineData("/swagger/index.html", HttpStatusCode.OK)]
    [InlineData("/nothing", HttpStatusCode.NotFound)]
    [InlineData("/v1/jobs?limit=x", HttpStatusCode.BadRequest)]
    public async Task EveryAnswer_HasTheHeaders(string path, HttpStatusCode expected)
    {
        HttpResponseMessage answer = await _client.GetAsync(path, HttpTestExtensions.Cancel);

        Assert.Equal(expected, answer.StatusCode);
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
        Assert.Equal("DENY", answer.Headers.GetValues("X-Frame-Options").Single());
        Assert.Equal(SecurityHeaders.ContentSecurityPolicy, answer.Headers.GetValues("Content-Security-Policy").Single());
    }

    /// <summary>The policy forbids scripts inside a page.</summary>
    [Fact]
    public async Task SwaggerUi_HasNoScriptInPlace()
    {
        string page = await _client.GetStringAsync("/swagger/index.html", HttpTestExtensions.Cancel);

        Assert.DoesNotMatch(@"<script(?![^>]*\ssrc=)[^>]*>", page);
        Assert.DoesNotMatch(@"\son[a-z]+\s*=\s*""", page);
        Assert.DoesNotMatch(@"(src|href)\s*=\s*""(https?:)?//", page);
    }

    private Task<HttpResponseMessage> PreflightAsync(string path, string method, string origin) => _client.SendAsync("OPTIONS", path,
        ("Origin", origin), ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", "x-api-key,content-type"));
}
