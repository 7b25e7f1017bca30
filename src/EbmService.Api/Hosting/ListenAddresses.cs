using System.Net;

namespace EbmService.Api.Hosting;

/// <summary>Reads addresses the way Kestrel does.</summary>
internal static class ListenAddresses
{
    internal const string Default = "http://localhost:5080";

    /// <summary>Every address that the configuration asks for; none when it leaves the choice to us.</summary>
    internal static IReadOnlyList<string> Configured(IConfiguration configuration)
    {
        IEnumerable<string> endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren()
            .Select(endpoint => endpoint["Url"]).OfType<string>();
        IEnumerable<string> urls = Split(configuration[WebHostDefaults.ServerUrlsKey]);
        IEnumerable<string> ports = Split(configuration[WebHostDefaults.HttpPortsKey]).Select(port => $"http://*:{port}")
            .Concat(Split(configuration[WebHostDefaults.HttpsPortsKey]).Select(port => $"https://*:{port}"));
        string[] own = [.. endpoints, .. urls];
        // As in Kestrel: ports count only where no address is given.
        return own.Length > 0 ? own : [.. ports];
    }

    internal static bool IsLoopback(string address)
    {
        BindingAddress parsed;
        try
        {
            parsed = BindingAddress.Parse(address);
        }
        catch (FormatException)
        {
            return false;
        }
        return parsed.IsUnixPipe || parsed.IsNamedPipe
            || string.Equals(parsed.Host, "localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(parsed.Host.Trim('[', ']'), out IPAddress? ip) && IPAddress.IsLoopback(ip));
    }

    private static string[] Split(string? value) =>
        (value ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
