using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.Connections.Client;
using Microsoft.Extensions.Options;

namespace EbmService.Client;

/// <summary>Where the service is and how to talk to it.</summary>
public sealed class EbmClientOptions
{
    /// <value>The service's address, with the path prefix of a proxy if there is one; http://localhost:5080/ by default.</value>
    [Required]
    public Uri BaseAddress { get; set; } = new("http://localhost:5080/");

    /// <value>An API key or a JWT: sent as <c>Authorization: Bearer</c>, also to the hub; none by default.</value>
    public string? ApiKey { get; set; }

    /// <value>
    /// Whose share of the device jobs count against (<c>X-Tenant</c>), for services without keys: a key has its tenant. 'default' by
    /// default.
    /// </value>
    [RegularExpression("[A-Za-z0-9._-]{1,64}")]
    public string? Tenant { get; set; }

    /// <value>Times that a request is sent again; 0 to 20, 4 by default. Only what is safe to repeat is.</value>
    [Range(0, 20)]
    public int MaxRetries { get; set; } = 4;

    /// <value>
    /// The wait before the first retry where the service names none (Retry-After); it doubles each time, with jitter. 0 to 1 minute,
    /// half a second by default.
    /// </value>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <value>
    /// The longest wait before a retry: a Retry-After beyond it is not waited for, and the problem is thrown at once. 1 ms to 1 hour,
    /// 30 seconds by default.
    /// </value>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00")]
    public TimeSpan MaxRetryDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <value>
    /// The most that one attempt may take until the answer begins; 1 ms to 1 day, 100 seconds by default. Uploads and event streams have
    /// no such limit.
    /// </value>
    [Range(typeof(TimeSpan), "00:00:00.001", "1.00:00:00")]
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(100);

    /// <value>
    /// How long a watch goes on trying while the service is away, before it throws; for ever with <see cref="Timeout.InfiniteTimeSpan"/>.
    /// 5 minutes by default.
    /// </value>
    public TimeSpan ReconnectTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <value>Changes the connection to the hub, for example its proxy, certificates or transports.</value>
    public Action<HttpConnectionOptions>? ConfigureHub { get; set; }

    /// <value>How events come; <see cref="EventTransport.Automatic"/> by default.</value>
    [EnumDataType(typeof(EventTransport))]
    public EventTransport Events { get; set; } = EventTransport.Automatic;
}

/// <summary>How the events of jobs come.</summary>
public enum EventTransport
{
    /// <summary>SignalR, and server-sent events where the hub can't be reached.</summary>
    Automatic,

    /// <summary>The SignalR hub only.</summary>
    SignalR,

    /// <summary>Server-sent events only.</summary>
    ServerSentEvents,
}

/// <summary>Checks all members and reports all errors together.</summary>
[OptionsValidator]
internal sealed partial class EbmClientOptionsValidator : IValidateOptions<EbmClientOptions>;
