using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using EbmService.Core.Failures;
using Polly.Timeout;

namespace EbmService.Client.Http;

/// <summary>Sends requests with the key and the tenant; every problem comes out as an <see cref="EbmException"/>.</summary>
internal sealed class EbmHttp(Func<HttpClient> clients, EbmClientOptions options)
{
    internal const string TenantHeader = "X-Tenant";
    private const string ProblemType = "application/problem+json";
    private const int MaxProblemChars = 64 * 1024;

    internal EbmClientOptions Options => options;

    internal static HttpRequestMessage Request(HttpMethod method, string path, HttpContent? content = null) =>
        new(method, new Uri(path, UriKind.Relative)) { Content = content };

    /// <summary>A part of a path, as it may be written there.</summary>
    internal static string Part(string name, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(name))] string? argument = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name, argument);
        // These would be taken for steps of the path, not for a name.
        if (name is "." or "..")
            throw new ArgumentException($"'{name}' is no name", argument);
        return Uri.EscapeDataString(name);
    }

    internal static HttpContent Json<T>(T value) =>
        new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(value, EbmClientJson.Options))
        {
            Headers = { ContentType = new MediaTypeHeaderValue("application/json", "utf-8") },
        };

    /// <summary>A path with a query string of the members that are not null.</summary>
    internal static string WithQuery(string path, params ReadOnlySpan<(string Name, object? Value)> members)
    {
        var query = new StringBuilder();
        foreach ((string name, object? value) in members)
        {
            if (value is not null)
                query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(Uri.EscapeDataString(Word(value)));
        }
        return path + query;
    }

    internal Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) =>
        ReadAsync<T>(Request(HttpMethod.Get, path), cancellationToken);

    internal async Task<T> ReadAsync<T>(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await SendAsync(request, cancellationToken).ConfigureAwait(false);
        return await ReadAsync<T>(response, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Deletes; what is gone when the request was sent again went with the first one, whose answer was lost.</summary>
    internal async Task DeleteAsync(string path, CancellationToken cancellationToken)
    {
        HttpRequestMessage request = Request(HttpMethod.Delete, path);
        using HttpResponseMessage response = await SendAsync(request, cancellationToken,
            answer => answer.StatusCode == HttpStatusCode.NotFound && request.Options.TryGetValue(RetryRules.Retries, out int retries) && retries > 0)
            .ConfigureAwait(false);
    }

    /// <summary>An answer whose headers are there and whose body may still come; the caller disposes it.</summary>
    internal async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, CancellationToken cancellationToken, Func<HttpResponseMessage, bool>? accepts = null)
    {
        if (options.ApiKey is { Length: > 0 } key)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (options.Tenant is { Length: > 0 } tenant)
            request.Headers.TryAddWithoutValidation(TenantHeader, tenant);
        HttpResponseMessage response = await GuardAsync(
            () => clients().SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken), cancellationToken).ConfigureAwait(false);
        if (response.IsSuccessStatusCode || accepts?.Invoke(response) == true)
            return response;
        using (response)
            throw await ToExceptionAsync(response, cancellationToken).ConfigureAwait(false);
    }

    internal static async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        byte[] body = await ReadBytesAsync(response, cancellationToken).ConfigureAwait(false);
        try
        {
            return JsonSerializer.Deserialize<T>(body, EbmClientJson.Options) ?? throw new JsonException("the answer is null");
        }
        catch (JsonException broken)
        {
            throw Unexpected(response, $"the answer is not what this client expects: {broken.Message}", broken);
        }
    }

    internal static Task<byte[]> ReadBytesAsync(HttpResponseMessage response, CancellationToken cancellationToken) =>
        GuardAsync(() => response.Content.ReadAsByteArrayAsync(cancellationToken), cancellationToken);

    internal static NpyArray ReadArray(HttpResponseMessage response, byte[] file)
    {
        try
        {
            return NpyArray.Read(file);
        }
        catch (FormatException wrong)
        {
            throw Unexpected(response, wrong.Message, wrong);
        }
    }

    internal static EbmException Unexpected(HttpResponseMessage response, string detail, Exception? inner = null) =>
        new(EbmException.UnexpectedAnswer, (int)response.StatusCode, "The answer is not one of this service.",
            $"{response.RequestMessage?.RequestUri}: {detail}", inner)
        {
            Remedy = "Check the base address: is there an EbmService, with its path prefix, and no other program?",
        };

    /// <summary>What the network throws, as an <see cref="EbmException"/>; a cancel of the caller stays one.</summary>
    internal static async Task<T> GuardAsync<T>(Func<Task<T>> action, CancellationToken cancellationToken)
    {
        try
        {
            return await action().ConfigureAwait(false);
        }
        catch (Exception failed) when (!cancellationToken.IsCancellationRequested && ToException(failed) is { } known)
        {
            throw known;
        }
    }

    internal static EbmException? ToException(Exception failed) => failed switch
    {
        TimeoutRejectedException or OperationCanceledException or TimeoutException =>
            new EbmException(EbmException.TimedOut, 0, "The service did not answer in time.", "The service did not answer in time.", failed)
            {
                Remedy = "Try again, ask for less at once, or raise RequestTimeout.",
            },
        HttpRequestException or IOException =>
            new EbmException(EbmException.ConnectionFailed, 0, "The service can't be reached.", $"The service can't be reached: {failed.Message}", failed)
            {
                Remedy = "Check that the service runs and that the base address is right.",
            },
        _ => null,
    };

    private static string Word(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        Enum word => JsonSerializer.SerializeToElement(word, word.GetType(), EbmClientJson.Options).GetString()!,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private static async Task<EbmException> ToExceptionAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        int status = (int)response.StatusCode;
        string text = Encoding.UTF8.GetString(await ReadBytesAsync(response, cancellationToken).ConfigureAwait(false));
        TimeSpan? retryAfter = RetryRules.RetryAfter(response, TimeProvider.System);
        if (ReadProblem(response, text) is { Code: { Length: > 0 } code } problem)
        {
            return new EbmException(code, status, problem.Title ?? "", problem.Detail ?? problem.Title ?? $"The service answered {status}.")
            {
                Remedy = problem.Remedy ?? "",
                Errors = (problem.Errors ?? new Dictionary<string, string[]>())
                    .ToDictionary(error => error.Key, IReadOnlyList<string> (error) => error.Value),
                RetryAfter = retryAfter,
                TraceId = problem.TraceId,
            };
        }
        return new EbmException(
            status switch { 401 => "unauthorized", 403 => "forbidden", 404 => "routeNotFound", _ => EbmException.UnexpectedAnswer }, status,
            $"The answer was {status} without a problem of this service.", $"{response.RequestMessage?.RequestUri} answered {status} {response.ReasonPhrase}.")
        {
            Remedy = "Check the base address and what stands between here and the service.",
            RetryAfter = retryAfter,
        };
    }

    private static ProblemResponse? ReadProblem(HttpResponseMessage response, string text)
    {
        if (text.Length > MaxProblemChars || response.Content.Headers.ContentType?.MediaType is not (ProblemType or "application/json"))
            return null;
        try
        {
            return JsonSerializer.Deserialize<ProblemResponse>(text, EbmClientJson.Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
