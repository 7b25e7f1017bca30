using System.Net;
using System.Text;

namespace EbmService.Client.Tests.Http;

/// <summary>A request as it left the client.</summary>
internal sealed record SentRequest(HttpMethod Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body, TimeSpan At)
{
    internal string Text => Encoding.UTF8.GetString(Body);
}

/// <summary>Stands where the network begins: keeps what was sent and answers as the test says.</summary>
internal sealed class FakeService(Func<int, SentRequest, HttpResponseMessage> answer) : HttpMessageHandler
{
    private readonly long _start = TimeProvider.System.GetTimestamp();
    private readonly List<SentRequest> _sent = [];

    internal FakeService(params HttpResponseMessage[] answers)
        : this((number, _) => answers[Math.Min(number, answers.Length - 1)])
    {
    }

    internal IReadOnlyList<SentRequest> Sent => _sent;

    /// <value>How long an answer takes.</value>
    internal TimeSpan Delay { get; set; }

    internal EbmClient Client(Action<EbmClientOptions>? configure = null)
    {
        var options = new EbmClientOptions { RetryDelay = TimeSpan.FromMilliseconds(1) };
        configure?.Invoke(options);
        return EbmClient.Create(options, this);
    }

    internal static HttpResponseMessage Json(string json, HttpStatusCode status = HttpStatusCode.OK) =>
        new(status) { Content = new StringContent(json, Encoding.UTF8, "application/json") };

    internal static HttpResponseMessage Problem(HttpStatusCode status, string code, string? retryAfter = null, string? errors = null)
    {
        var response = new HttpResponseMessage(status)
        {
            Content = new StringContent($$"""
                {"type": "urn:ebmservice:problem:x", "title": "A title.", "status": {{(int)status}}, "detail": "What happened.", "instance": "/v1/x",
                 "code": "{{code}}", "remedy": "What to do.", "error": "What happened.", "traceId": "00-1", "errors": {{errors ?? "null"}}}
                """, Encoding.UTF8, "application/problem+json"),
        };
        if (retryAfter is not null)
            response.Headers.TryAddWithoutValidation("Retry-After", retryAfter);
        return response;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        byte[] body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        var headers = request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? [])
            .ToDictionary(header => header.Key, header => string.Join(",", header.Value), StringComparer.OrdinalIgnoreCase);
        var sent = new SentRequest(request.Method, request.RequestUri!.PathAndQuery, headers, body, TimeProvider.System.GetElapsedTime(_start));
        _sent.Add(sent);
        await Task.Delay(Delay, cancellationToken);
        HttpResponseMessage response = answer(_sent.Count - 1, sent);
        response.RequestMessage = request;
        return response;
    }
}
