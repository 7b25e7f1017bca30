using System.Net;
using Xunit;

namespace EbmService.Api.Tests.Hosting;

public sealed class SameOriginGuardTests : IDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public SameOriginGuardTests() => _client = _factory.CreateClient();

    public void Dispose() => _factory.Dispose();

    [Theory]
    [InlineData("POST", "/hubs/jobs/negotiate?negotiateVersion=1", "http://evil.example")]
    [InlineData("GET", "/hubs/jobs", "http://evil.example")]
    [InlineData("GET", "/HUBS/jobs", "null")]
    [InlineData("POST", "/v1/jobs", "http://localhost:8000")]
    [InlineData("DELETE", "/v1/jobs/1", "https://localhost:8443")]
    [InlineData("POST", "/v1/jobs", "http://localhost.evil.example")]
    public async Task ForeignOrigin_HubOrUnsafeMethod_Is403Problem(string method, string path, string origin) =>
        await (await SendAsync(method, path, origin)).ProblemAsync(HttpStatusCode.Forbidden, "foreignOrigin");

    [Theory]
    [InlineData("POST", "/hubs/jobs/negotiate?negotiateVersion=1", "http://localhost")]
    [InlineData("POST", "/hubs/jobs/negotiate?negotiateVersion=1", null)]
    [InlineData("GET", "/v1/models", "http://evil.example")]
    public async Task OwnOriginOrSafeMethod_IsAnswered(string method, string path, string? origin) =>
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(method, path, origin)).StatusCode);

    [Fact]
    public async Task ForeignHost_IsRefused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Host = "rebound.example";

        Assert.Equal(HttpStatusCode.BadRequest, (await _client.SendAsync(request, HttpTestExtensions.Cancel)).StatusCode);
    }

    private async Task<HttpResponseMessage> SendAsync(string method, string path, string? origin)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        return await _client.SendAsync(request, HttpTestExtensions.Cancel);
    }
}
