using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests.Results;

public sealed class ResultEndpointsTests : IAsyncLifetime
{
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;
    private string _id = "";

    public ResultEndpointsTests() => _client = _factory.CreateClient();

    public async ValueTask InitializeAsync()
    {
        _id = (string)(await (await _client.PostJsonAsync("/v1/jobs", """{"model": "digits"}"""))
            .JsonAsync(HttpStatusCode.Accepted))["id"]!;
        _factory.Jobs.Finish(_id);
    }

    public ValueTask DisposeAsync() => _factory.DisposeAsync();

    [Fact]
    public async Task List_EndedJob_NamesEveryFile()
    {
        JsonArray results = (await (await GetAsync("")).JsonAsync())["results"]!.AsArray();

        Assert.Equal(["samples.png", "samples.npy"], results.Select(result => (string)result!["name"]!));
        Assert.Equal($"/v1/jobs/{_id}/results/samples.png", (string?)results[0]!["href"]);
        Assert.Equal(100, (long)results[0]!["size"]!);
    }

    [Theory]
    [InlineData("samples.png", "image/png", "inline")]
    [InlineData("samples.npy", "application/x-npy", "attachment")]
    public async Task Download_HasTypeDispositionAndHashAsETag(string name, string mediaType, string disposition)
    {
        HttpResponseMessage response = await GetAsync("/" + name);

        Assert.Equal(_factory.Jobs.Content, await response.Content.ReadAsByteArrayAsync(HttpTestExtensions.Cancel));
        Assert.Equal(mediaType, response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(disposition, response.Content.Headers.ContentDisposition?.DispositionType);
        Assert.Equal($"\"{Convert.ToHexStringLower(SHA256.HashData(_factory.Jobs.Content))}\"", response.Headers.ETag?.Tag);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
    }

    [Fact]
    public async Task Download_Range_Is206WithThatPart()
    {
        HttpResponseMessage response = await GetAsync("/samples.npy", request => request.Headers.Range = new RangeHeaderValue(10, 19));

        Assert.Equal(HttpStatusCode.PartialContent, response.StatusCode);
        Assert.Equal(_factory.Jobs.Content[10..20], await response.Content.ReadAsByteArrayAsync(HttpTestExtensions.Cancel));
    }

    [Fact]
    public async Task Download_RangePastTheEnd_Is416()
    {
        HttpResponseMessage response = await GetAsync("/samples.npy", request => request.Headers.Range = new RangeHeaderValue(1000, null));

        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, response.StatusCode);
    }

    [Fact]
    public async Task Download_KnownETag_Is304()
    {
        EntityTagHeaderValue tag = (await GetAsync("/samples.npy")).Headers.ETag!;

        HttpResponseMessage response = await GetAsync("/samples.npy", request => request.Headers.IfNoneMatch.Add(tag));

        Assert.Equal(HttpStatusCode.NotModified, response.StatusCode);
    }

    [Theory]
    [InlineData(true, HttpStatusCode.PartialContent)]
    [InlineData(false, HttpStatusCode.OK)]
    public async Task Download_RangeIfUnchanged_IsThePartOrAllOfIt(bool isUnchanged, HttpStatusCode expected)
    {
        EntityTagHeaderValue tag = isUnchanged ? (await GetAsync("/samples.npy")).Headers.ETag! : new EntityTagHeaderValue("\"another\"");

        HttpResponseMessage response = await GetAsync("/samples.npy", request =>
        {
            request.Headers.Range = new RangeHeaderValue(90, null);
            request.Headers.IfRange = new RangeConditionHeaderValue(tag);
        });

        Assert.Equal(expected, response.StatusCode);
        Assert.Equal(isUnchanged ? _factory.Jobs.Content[90..] : _factory.Jobs.Content, await response.Content.ReadAsByteArrayAsync(HttpTestExtensions.Cancel));
    }

    [Fact]
    public async Task Download_Head_HasTheHeadersOfGetAndNoBody()
    {
        HttpResponseMessage whole = await GetAsync("/samples.npy");
        HttpResponseMessage head = await GetAsync("/samples.npy", request => request.Method = HttpMethod.Head);

        Assert.Equal((HttpStatusCode.OK, whole.Headers.ETag, 100L), (head.StatusCode, head.Headers.ETag, head.Content.Headers.ContentLength));
        Assert.False(head.Headers.ETag!.IsWeak);
        Assert.Equal("bytes", Assert.Single(head.Headers.AcceptRanges));
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(HttpTestExtensions.Cancel));
    }

    [Fact]
    public async Task Download_Unknown_Is404() =>
        await (await GetAsync("/other.bin")).ProblemAsync(HttpStatusCode.NotFound, "resultNotFound");

    private Task<HttpResponseMessage> GetAsync(string path, Action<HttpRequestMessage>? prepare = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{_id}/results{path}");
        prepare?.Invoke(request);
        return _client.SendAsync(request, HttpTestExtensions.Cancel);
    }
}
