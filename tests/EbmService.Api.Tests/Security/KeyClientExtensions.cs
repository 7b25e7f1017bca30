using System.Net.Http.Headers;
using EbmService.Api.Security;

namespace EbmService.Api.Tests.Security;

internal static class KeyClientExtensions
{
    internal static HttpClient ClientWith(this ApiFactory factory, string? key)
    {
        HttpClient client = factory.CreateClient();
        if (key is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return client;
    }

    internal static async Task<HttpResponseMessage> SendAsync(
        this HttpClient client, string method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        foreach ((string name, string value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, HttpTestExtensions.Cancel);
    }

    internal static (string Name, string Value) Bearer(string token) => ("Authorization", $"Bearer {token}");

    internal static (string Name, string Value) ApiKey(string token) => (Credential.KeyHeader, token);
}
