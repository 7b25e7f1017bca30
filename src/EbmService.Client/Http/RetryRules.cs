using System.Net;
using System.Text.Json;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace EbmService.Client.Http;

/// <summary>
/// What is sent again, and when. Safe to repeat are GET, HEAD, PUT and DELETE, a POST with an Idempotency-Key, and a POST that changes
/// nothing; any request
/// whose connection was never made. Not repeated is what a wait does not mend: a Retry-After beyond the longest wait, a model whose files
/// are damaged.
/// </summary>
internal static class RetryRules
{
    internal const string IdempotencyKey = "Idempotency-Key";

    /// <summary>Marks a POST that changes nothing.</summary>
    internal static readonly HttpRequestOptionsKey<bool> IsPure = new("EbmService.IsPure");

    /// <summary>Marks a request whose first answer counts.</summary>
    internal static readonly HttpRequestOptionsKey<bool> Never = new("EbmService.Never");

    /// <summary>The longest time until the answer begins, in place of <see cref="EbmClientOptions.RequestTimeout"/>.</summary>
    internal static readonly HttpRequestOptionsKey<TimeSpan> Timeout = new("EbmService.Timeout");

    /// <summary>How often the request was sent again.</summary>
    internal static readonly HttpRequestOptionsKey<int> Retries = new("EbmService.Retries");

    private static readonly HashSet<string?> s_lasting = ["modelUnavailable", "storageFailed"];

    /// <summary>Retries around a time limit of each attempt.</summary>
    internal static void Configure(ResiliencePipelineBuilder<HttpResponseMessage> pipeline, EbmClientOptions options)
    {
        TimeProvider clock = pipeline.TimeProvider ?? TimeProvider.System;
        if (options.MaxRetries > 0)
        {
            pipeline.AddRetry(new RetryStrategyOptions<HttpResponseMessage>
            {
                Name = "EbmService.Retry",
                MaxRetryAttempts = options.MaxRetries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = options.RetryDelay,
                MaxDelay = options.MaxRetryDelay,
                ShouldHandle = args => IsWorthwhileAsync(args.Context, args.Outcome, options, clock),
                DelayGenerator = args => ValueTask.FromResult(
                    args.Outcome.Result is { } response ? RetryAfter(response, clock) : null),
                OnRetry = args =>
                {
                    args.Context.GetRequestMessage()?.Options.Set(Retries, args.AttemptNumber + 1);
                    args.Outcome.Result?.Dispose();
                    return ValueTask.CompletedTask;
                },
            });
        }
        pipeline.AddTimeout(new TimeoutStrategyOptions
        {
            Name = "EbmService.Timeout",
            TimeoutGenerator = args => ValueTask.FromResult(
                args.Context.GetRequestMessage() is { } request && request.Options.TryGetValue(Timeout, out TimeSpan limit)
                    ? limit : options.RequestTimeout),
        });
    }

    /// <summary>The wait that an answer asks for.</summary>
    internal static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider clock)
    {
        TimeSpan? wait = response.Headers.RetryAfter?.Delta ?? response.Headers.RetryAfter?.Date - clock.GetUtcNow();
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static async ValueTask<bool> IsWorthwhileAsync(
        ResilienceContext context, Outcome<HttpResponseMessage> outcome, EbmClientOptions options, TimeProvider clock)
    {
        HttpRequestMessage? request = context.GetRequestMessage();
        if (request is null || (request.Options.TryGetValue(Never, out bool never) && never) || context.CancellationToken.IsCancellationRequested)
            return false;
        if (outcome.Exception is { } failed)
        {
            return failed is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError }
                ? CanSendAgain(request)
                : failed is HttpRequestException or TimeoutRejectedException && IsSafe(request);
        }
        if (outcome.Result is not { } response || !IsSafe(request) || RetryAfter(response, clock) > options.MaxRetryDelay)
            return false;
        return response.StatusCode switch
        {
            HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.GatewayTimeout => true,
            HttpStatusCode.ServiceUnavailable => !s_lasting.Contains(await CodeAsync(response, context.CancellationToken).ConfigureAwait(false)),
            // The first request with the key is still in flight.
            HttpStatusCode.Conflict => request.Headers.Contains(IdempotencyKey),
            _ => false,
        };
    }

    private static bool IsSafe(HttpRequestMessage request) => CanSendAgain(request)
        && (request.Method == HttpMethod.Get || request.Method == HttpMethod.Head || request.Method == HttpMethod.Put || request.Method == HttpMethod.Delete
            || request.Headers.Contains(IdempotencyKey) || (request.Options.TryGetValue(IsPure, out bool pure) && pure));

    /// <summary>A body that was read from a stream without a way back is gone.</summary>
    private static bool CanSendAgain(HttpRequestMessage request) => request.Content is not OneWayContent;

    private static async Task<string?> CodeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType != "application/problem+json")
            return null;
        try
        {
            // Into a buffer, so that it can be read again for the exception.
            await response.Content.LoadIntoBufferAsync(cancellationToken).ConfigureAwait(false);
            using JsonDocument problem = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
            return problem.RootElement.TryGetProperty("code", out JsonElement code) ? code.GetString() : null;
        }
        catch (Exception broken) when (broken is JsonException or HttpRequestException or InvalidOperationException)
        {
            return null;
        }
    }
}
