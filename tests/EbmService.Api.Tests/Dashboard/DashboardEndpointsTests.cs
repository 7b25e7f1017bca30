using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace EbmService.Api.Tests.Dashboard;

/// <summary>The dashboard's files, as its own build publishes them.</summary>
public sealed partial class DashboardEndpointsTests : IDisposable
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public DashboardEndpointsTests() => _client = _factory.CreateClient(new() { AllowAutoRedirect = false });

    public void Dispose() => _factory.Dispose();

    [Theory]
    [InlineData("/dashboard")]
    [InlineData("/dashboard/")]
    [InlineData("/dashboard/index.html")]
    [InlineData("/dashboard/jobs/0123456789abcdef0123456789abcdef")]
    public async Task Page_AnyOfItsAddresses_IsTheOnePage(string path)
    {
        HttpResponseMessage answer = await _client.GetAsync(path, HttpTestExtensions.Cancel);

        Assert.Equal((HttpStatusCode.OK, "text/html"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Contains("<base href=\"/dashboard/\"", await answer.Content.ReadAsStringAsync(HttpTestExtensions.Cancel), StringComparison.Ordinal);
        Assert.True(answer.Headers.CacheControl?.NoCache);
    }

    [Fact]
    public async Task Page_BehindAPrefix_ResolvesItsAddressesBelowIt()
    {
        _client.DefaultRequestHeaders.Add("X-Forwarded-Prefix", "/ebm");

        Assert.Contains("<base href=\"/ebm/dashboard/\"", await _client.GetStringAsync("/dashboard/", HttpTestExtensions.Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_WhatItNames_IsThereAndComesFromNowhereElse()
    {
        string page = await _client.GetStringAsync("/dashboard/", HttpTestExtensions.Cancel);
        string[] named = [.. Addresses().Matches(page).Select(match => match.Groups[1].Value).Where(address => address is not ("" or "/dashboard/"))];

        Assert.True(named.Length >= 4);
        foreach (string address in named)
        {
            Assert.DoesNotContain("//", address, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await _client.GetAsync("/dashboard/" + address, HttpTestExtensions.Cancel)).StatusCode);
        }
    }

    [Theory]
    [InlineData("br", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("gzip, deflate, br", "br")]
    [InlineData("br;q=0", null)]
    [InlineData("identity", null)]
    public async Task File_Compressed_IsWhatTheBrowserAccepts(string accepted, string? coding)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/dashboard/_framework/blazor.webassembly.js");
        request.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);

        HttpResponseMessage answer = await _client.SendAsync(request, HttpTestExtensions.Cancel);

        Assert.Equal((HttpStatusCode.OK, "text/javascript"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Equal(coding, answer.Content.Headers.ContentEncoding.SingleOrDefault());
        Assert.Contains("Accept-Encoding", answer.Headers.Vary);
        using var again = new HttpRequestMessage(HttpMethod.Get, "/dashboard/_framework/blazor.webassembly.js");
        again.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
        again.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await _client.SendAsync(again, HttpTestExtensions.Cancel)).StatusCode);
    }

    [Fact]
    public async Task File_NamedByItsContent_MayBeKeptForEver()
    {
        string name = Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "dashboard", "_framework"), "EbmService.Dashboard.*.wasm")
            .Select(path => Path.GetFileName(path)).First();

        HttpResponseMessage answer = await _client.GetAsync($"/dashboard/_framework/{name}", HttpTestExtensions.Cancel);

        Assert.Equal((HttpStatusCode.OK, "application/wasm"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Contains("immutable", answer.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/dashboard/none.css")]
    [InlineData("/dashboard/_framework/none.wasm")]
    [InlineData("/dashboard/..%2fappsettings.json")]
    public async Task File_ThatIsNone_Is404(string path) =>
        Assert.Equal(HttpStatusCode.NotFound, (await _client.GetAsync(path, HttpTestExtensions.Cancel)).StatusCode);

    [GeneratedRegex("(?:href|src)=\"([^\"]*)\"")]
    private static partial Regex Addresses();
}
