using System.Net;
using System.Text.Json.Nodes;
using EbmService.Api.Tests.Inputs;
using Xunit;

namespace EbmService.Api.Tests.Hosting;

/// <summary>What clients, proxies and orchestrators expect of any HTTP service.</summary>
public sealed class HttpMannersTests : IDisposable
{
    private const string Energy = "/v1/models/moons/energy";
    private readonly ApiFactory _factory = new();
    private readonly HttpClient _client;

    public HttpMannersTests() => _client = _factory.CreateClient(new() { AllowAutoRedirect = false });

    public void Dispose() => _factory.Dispose();

    [Theory]
    [InlineData("/v1/models")]
    [InlineData("/v1/models/moons")]
    [InlineData("/v1/models/nobody")]
    [InlineData("/v1/jobs")]
    [InlineData("/v1/nothing")]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    [InlineData("/")]
    [InlineData("/swagger/v1/swagger.json")]
    [InlineData("/swagger/index.html")]
    public async Task Head_AnswersAsGetDoesWithoutABody(string path)
    {
        HttpResponseMessage get = await _client.GetAsync(path, HttpTestExtensions.Cancel);
        HttpResponseMessage head = await _client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path), HttpTestExtensions.Cancel);

        Assert.Equal(get.StatusCode, head.StatusCode);
        Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
        Assert.Empty(await head.Content.ReadAsByteArrayAsync(HttpTestExtensions.Cancel));
    }

    [Fact]
    public async Task Head_OfAResult_TellsItsLengthAndDigest()
    {
        string id = (string)(await (await _client.PostJsonAsync("/v1/jobs", """{"model": "digits"}"""))
            .JsonAsync(HttpStatusCode.Accepted))["id"]!;
        _factory.Jobs.Finish(id);

        HttpResponseMessage head = await _client.SendAsync(
            new HttpRequestMessage(HttpMethod.Head, $"/v1/jobs/{id}/results/samples.npy"), HttpTestExtensions.Cancel);
        HttpResponseMessage events = await _client.SendAsync(
            new HttpRequestMessage(HttpMethod.Head, "/v1/events"), HttpTestExtensions.Cancel);

        Assert.Equal(100, head.Content.Headers.ContentLength);
        Assert.NotNull(head.Headers.ETag);
        Assert.Equal("text/event-stream", events.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Head_WhereOnlyPostWorks_Is405() =>
        Assert.Equal(HttpStatusCode.MethodNotAllowed,
            (await _client.SendAsync(new HttpRequestMessage(HttpMethod.Head, Energy), HttpTestExtensions.Cancel)).StatusCode);

    [Theory]
    [InlineData("identity", false)]
    [InlineData("Identity", false)]
    [InlineData("", false)]
    [InlineData("x-gzip", true)]
    [InlineData("GZIP", true)]
    [InlineData("identity, X-GZip", true)]
    public async Task ContentEncoding_InAnySpelling_IsRead(string encoding, bool compressed)
    {
        byte[] body = """{"inputs": [[1, 2]]}"""u8.ToArray();
        var content = new ByteArrayContent(compressed ? Compression.Compress(body, "gzip") : body);
        content.Headers.ContentType = new("application/json");
        content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);

        await (await _client.PostAsync(Energy, content, HttpTestExtensions.Cancel)).JsonAsync();
    }

    [Theory]
    [InlineData("gzip", 1)]
    [InlineData("gzip", 8)]
    [InlineData("deflate", 1)]
    [InlineData("br", 1)]
    public async Task CompressedBody_CutShort_IsRefused(string encoding, int missing)
    {
        byte[] body = Compression.Compress("""{"inputs": [[1, 2]]}"""u8.ToArray(), encoding);

        JsonObject problem = await (await _client.PostBytesAsync(Energy, body[..^missing], "application/json", encoding))
            .ProblemAsync(HttpStatusCode.BadRequest, "invalidRequest");

        Assert.Contains("cut short", (string?)problem["detail"]);
    }

    public static TheoryData<string, byte[]> BadText => new()
    {
        { "/v1/jobs", [.. "{\"model\": \"dig\xff"u8[..^2], 0xff, .. "its\"}"u8] },
        { "/v1/jobs", """{"model": "digits", "tags": ["\ud800"]}"""u8.ToArray() },
        { "/v1/jobs", """{"model": "digits", "tags": ["\uDC00x"]}"""u8.ToArray() },
        { "/v1/jobs", """{"model": "\ud800"}"""u8.ToArray() },
        { "/v1/jobs", """{"mod\ud83del": 1}"""u8.ToArray() },
        { "/v1/jobs", """{"model": "digits", "type": "\ud800"}"""u8.ToArray() },
        { "/v1/jobs", """{"model": "digits", "spec": {"recipe": "\ud800"}}"""u8.ToArray() },
        { "/v1/jobs", """{"model": "digits", "spec": {"startJob": {"id": "\ud800"}}}"""u8.ToArray() },
        { "/v1/jobs", """{"model": "digits", "spec": {"data": {"dtype": "\ud800", "shape": [1], "base64": ""}}}"""u8.ToArray() },
        { "/v1/jobs", """{"model": "digits", "spec": {"data": {"d\ud800": 1}}}"""u8.ToArray() },
        { "/v1/jobs", """{"model": "digits", "spec": {"steps": "\ud800"}}"""u8.ToArray() },
        { Energy, """{"inputs": [["\ud800", 1]]}"""u8.ToArray() },
        { Energy, """{"tensor": {"dtype": "float32", "shape": [1, 2], "base64": "\ud800"}}"""u8.ToArray() },
        { "/v1/models/moons/ood", """{"inputs": [[1, 2]], "score": "\ud800"}"""u8.ToArray() },
        { "/v1/models/moons/ood", [.. """{"inputs": [[1, 2]], "score": "a"""u8, 0xC0, 0x80, .. "\"}"u8] },
        { "/v1/models/moons/ood?score=%ff", """{"inputs": [[1, 2]]}"""u8.ToArray() },
        { "/v1/models/%ed%a0%80/energy", """{"inputs": [[1, 2]]}"""u8.ToArray() },
    };

    [Theory]
    [MemberData(nameof(BadText))]
    public async Task TextThatIsNoUnicode_Is400(string path, byte[] body) =>
        await (await _client.PostBytesAsync(path, body, "application/json")).ProblemAsync(HttpStatusCode.BadRequest, "invalidRequest");

    [Fact]
    public async Task BothHalvesOfASurrogatePair_AreOneCharacter()
    {
        JsonObject job = await (await _client.PostJsonAsync("/v1/jobs", """{"model": "digits", "tags": ["\ud83d\ude00"]}"""))
            .JsonAsync(HttpStatusCode.Accepted);

        Assert.Equal("\U0001F600", (string?)job["tags"]![0]);
    }

    [Fact]
    public async Task MultipartHeaderThatIsNoUnicode_Is400()
    {
        byte[] body = [.. "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\""u8, 0xff, 0xfe, .. "\"\r\n\r\nx\r\n--b--\r\n"u8];
        var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=b");

        await (await _client.PostAsync("/v1/models/digits/energy", content, HttpTestExtensions.Cancel))
            .ProblemAsync(HttpStatusCode.BadRequest, "invalidRequest");
    }

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    public async Task Health_AnswersAnyHost(string path) =>
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(path, "10.1.2.3:8080")).StatusCode);

    [Fact]
    public async Task OtherPaths_AnswerAllowedHostsOnlyAndNameTheSetting()
    {
        JsonObject problem = await (await AskAsync("/v1/models", "rebound.example")).ProblemAsync(HttpStatusCode.BadRequest, "unknownHost");

        Assert.Contains("AllowedHosts", (string?)problem["remedy"]);
    }

    [Theory]
    [InlineData("models.example", "models.example", true)]
    [InlineData("*.example;localhost", "a.example", true)]
    [InlineData("*.example;localhost", "example", false)]
    [InlineData("*", "anything.at.all", true)]
    public async Task AllowedHosts_AreReadAsTheFrameworkDoes(string setting, string host, bool allowed)
    {
        using var factory = new ApiFactory { Settings = new() { ["AllowedHosts"] = setting } };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Host = host;

        HttpResponseMessage response = await factory.CreateClient().SendAsync(request, HttpTestExtensions.Cancel);

        Assert.Equal(allowed ? HttpStatusCode.OK : HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Range_BeyondTheFile_Is416Problem()
    {
        string id = (string)(await (await _client.PostJsonAsync("/v1/jobs", """{"model": "digits"}"""))
            .JsonAsync(HttpStatusCode.Accepted))["id"]!;
        _factory.Jobs.Finish(id);
        var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{id}/results/samples.npy");
        request.Headers.Range = new(5000, 6000);

        await (await _client.SendAsync(request, HttpTestExtensions.Cancel))
            .ProblemAsync(HttpStatusCode.RequestedRangeNotSatisfiable, "rangeNotSatisfiable");
    }

    private Task<HttpResponseMessage> AskAsync(string path, string host)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = host;
        return _client.SendAsync(request, HttpTestExtensions.Cancel);
    }
}
