namespace EbmService.Api.Hosting;

/// <summary>Section <c>Security</c>.</summary>
public sealed class SecurityOptions
{
    public const string Section = "Security";

    /// <value>
    /// Whether the service may listen beyond this machine although nobody has to authenticate; false by default. Set it
    /// only where something else keeps strangers out, for example inside a container whose port is published on loopback.
    /// </value>
    public bool AllowUnauthenticatedNetwork { get; set; }
}
