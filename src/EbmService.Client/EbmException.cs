using System.Text.Json;
using EbmService.Core.Failures;

namespace EbmService.Client;

/// <summary>
/// The one exception of this client, but for <see cref="OperationCanceledException"/> when the caller cancels: what the service refused,
/// with its code, the members at fault and what to do, or why it could not be reached.
/// </summary>
public sealed class EbmException : Exception
{
    /// <summary>The code of a service that could not be reached, or whose connection broke.</summary>
    public const string ConnectionFailed = "connectionFailed";

    /// <summary>The code of a request that took longer than <see cref="EbmClientOptions.RequestTimeout"/>.</summary>
    public const string TimedOut = "timedOut";

    /// <summary>The code of an answer that is not what this client expects, for example a proxy's page.</summary>
    public const string UnexpectedAnswer = "unexpectedAnswer";

    internal EbmException(string code, int status, string title, string detail, Exception? inner = null)
        : base(detail, inner)
    {
        Code = code;
        Status = status;
        Title = title;
    }

    /// <value>
    /// The kind as a word, for example <c>invalidRequest</c>: those of <see cref="FailureCode"/>, of the web server (for example
    /// <c>routeNotFound</c>), or of this class. For the failure of a job, that of <c>error</c> in its answer.
    /// </value>
    public string Code { get; }

    /// <value>The HTTP status; 0 where no answer came.</value>
    public int Status { get; }

    /// <value>The same for every problem of the kind.</value>
    public string Title { get; }

    /// <value>What happened; also the message.</value>
    public string Detail => Message;

    /// <value>What to do about it; empty where nobody knows.</value>
    public string Remedy { get; internal init; } = "";

    /// <value>Messages by member, for example <c>spec.stepSize</c> or <c>inputs[3][0]</c>; empty for most problems.</value>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Errors { get; internal init; } = new Dictionary<string, IReadOnlyList<string>>();

    /// <value>When to try again, as the service says.</value>
    public TimeSpan? RetryAfter { get; internal init; }

    /// <value>Names the request in the service's logs.</value>
    public string? TraceId { get; internal init; }

    /// <summary>Whether it is a problem of that code.</summary>
    public bool Is(FailureCode code) => Code == JsonNamingPolicy.CamelCase.ConvertName(code.ToString());

    /// <summary>The code, the message, each member at fault and the remedy, a line each.</summary>
    public string Describe() => string.Join(Environment.NewLine,
        [
            Status == 0 ? $"{Code}: {Detail}" : $"{Code} ({Status}): {Detail}",
            .. Errors.Select(error => $"  {error.Key}: {string.Join(" ", error.Value)}"),
            .. Remedy.Length == 0 ? Array.Empty<string>() : [Remedy],
        ]);
}
