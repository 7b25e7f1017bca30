using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace EbmService.Api.Tests;

internal static class HttpTestExtensions
{
    internal static CancellationToken Cancel => TestContext.Current.CancellationToken;

    internal static Task<HttpResponseMessage> PostJsonAsync(this HttpClient client, string path, string json) =>
        client.PostAsync(path, new StringContent(json, Encoding.UTF8, "application/json"), Cancel);

    internal static Task<HttpResponseMessage> PostBytesAsync(
        this HttpClient client, string path, byte[] body, string mediaType, string? encoding = null)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue(mediaType);
        if (encoding is not null)
            content.Headers.ContentEncoding.Add(encoding);
        return client.PostAsync(path, content, Cancel);
    }

    internal static async Task<JsonObject> JsonAsync(this HttpResponseMessage response, HttpStatusCode expected = HttpStatusCode.OK)
    {
        string text = await response.Content.ReadAsStringAsync(Cancel);
        Assert.True(response.StatusCode == expected, $"{(int)response.StatusCode}: {text}");
        return Assert.IsType<JsonObject>(JsonNode.Parse(text));
    }

    /// <summary>Checks everything that every problem must have, and returns it.</summary>
    internal static async Task<JsonObject> ProblemAsync(this HttpResponseMessage response, HttpStatusCode expected, string code)
    {
        JsonObject problem = await response.JsonAsync(expected);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(code, (string?)problem["code"]);
        Assert.Equal((int)expected, (int?)problem["status"]);
        Assert.StartsWith("urn:ebmservice:problem:", (string?)problem["type"]);
        Assert.False(string.IsNullOrWhiteSpace((string?)problem["remedy"]));
        Assert.Equal((string?)problem["detail"], (string?)problem["error"]);
        return problem;
    }

    /// <summary>A 400 with exactly one message for the field.</summary>
    internal static async Task<string> FieldErrorAsync(
        this HttpResponseMessage response, string field, HttpStatusCode expected = HttpStatusCode.BadRequest,
        string code = "invalidRequest")
    {
        JsonObject problem = await response.ProblemAsync(expected, code);
        JsonObject errors = Assert.IsType<JsonObject>(problem["errors"]);
        Assert.True(errors.ContainsKey(field), $"'{field}' is not among {errors.ToJsonString()}");
        return (string)errors[field]![0]!;
    }
}
