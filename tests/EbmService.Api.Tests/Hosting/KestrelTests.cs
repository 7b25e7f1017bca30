using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace EbmService.Api.Tests.Hosting;

/// <summary>What only a real server on a real socket shows.</summary>
public sealed class KestrelTests : IDisposable
{
    private readonly ApiFactory _factory =
        new() { Settings = new() { ["Limits:SlowBodyGraceSeconds"] = "1.5", ["Limits:MinBodyBytesPerSecond"] = "1000" } };
    private readonly int _port;

    public KestrelTests()
    {
        _factory.UseKestrel(0);
        _factory.StartServer();
        _port = _factory.ClientOptions.BaseAddress.Port;
    }

    public void Dispose() => _factory.Dispose();

    [Theory]
    [InlineData("Content-Length: 100")]
    [InlineData("Transfer-Encoding: chunked")]
    public async Task SlowBody_Is408Problem(string header)
    {
        string answer = await SendAsync($"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{header}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 408 ", answer);
        Assert.Contains("bodyTooSlow", answer);
    }

    [Fact]
    public async Task Head_HasTheHeadersOfGetAndNoBody()
    {
        string answer = await SendAsync("HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", answer);
        Assert.Contains("application/json", answer);
        Assert.EndsWith("\r\n\r\n", answer);
    }

    /// <summary>It never reaches the application, which answers all else with a problem.</summary>
    [Theory]
    [InlineData("NONSENSE\r\n\r\n")]
    [InlineData("GET /v1/models HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n")]
    public async Task BrokenRequest_Is400WithoutABody(string request)
    {
        string answer = await SendAsync(request);

        Assert.StartsWith("HTTP/1.1 400 ", answer);
        Assert.EndsWith("\r\n\r\n", answer);
    }

    /// <summary>GOAWAY with HTTP_1_1_REQUIRED: a client knows at once what to do.</summary>
    [Fact]
    public async Task Http2WithPriorKnowledge_IsRefusedCleanly()
    {
        byte[] answer = await SendBytesAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());

        const int GoAway = 7, Http11Required = 13;
        Assert.True(answer.Length >= 17, Encoding.Latin1.GetString(answer));
        Assert.Equal((GoAway, Http11Required), (answer[3], answer[16]));
    }

    [Fact]
    public async Task BodyOverTheLimitWithoutALength_Is413Problem()
    {
        using var client = new HttpClient { BaseAddress = new Uri($"http://localhost:{_port}") };
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/jobs") { Content = new ByteArrayContent(new byte[17 << 20]) };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.TransferEncodingChunked = true;

        await (await client.SendAsync(request, HttpTestExtensions.Cancel))
            .ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "bodyTooLarge");
    }

    private async Task<string> SendAsync(string request) =>
        Encoding.Latin1.GetString(await SendBytesAsync(Encoding.ASCII.GetBytes(request)));

    private async Task<byte[]> SendBytesAsync(byte[] request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("localhost", _port, HttpTestExtensions.Cancel);
        await using NetworkStream stream = socket.GetStream();
        await stream.WriteAsync(request, HttpTestExtensions.Cancel);
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, HttpTestExtensions.Cancel);
        return answer.ToArray();
    }
}
