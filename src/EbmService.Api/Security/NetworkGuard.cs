using System.Net;
using EbmService.Api.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Security;

/// <summary>Refuses to start on a non-loopback address while nobody has to authenticate.</summary>
internal sealed class NetworkGuard(
    IConfiguration configuration, IServer server, IOptions<SecurityOptions> options, KeyRing keys, IHostApplicationLifetime lifetime,
    ILogger<NetworkGuard> logger) : IHostedLifecycleService
{
    internal const string Remedy =
        "Listen on http://localhost:5080, or make a key (ebm keys create), or configure Security:Jwt, or set Security:RequireKey to true, or set "
        + "Security:AllowUnauthenticatedNetwork (environment: Security__AllowUnauthenticatedNetwork) to true if something else keeps strangers out.";

    /// <summary>Before the port is opened: what the configuration asks for.</summary>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        Check(ListenAddresses.Configured(configuration));
        return Task.CompletedTask;
    }

    /// <summary>After it: what the server really bound, should an address have come from elsewhere.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        ICollection<string> bound = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        try
        {
            Check(bound);
        }
        catch (StartRefusedException)
        {
            lifetime.StopApplication();
            throw;
        }
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Check(IEnumerable<string> addresses)
    {
        string[] open = [.. addresses.Where(address => !ListenAddresses.IsLoopback(address))];
        if (open.Length == 0 || !keys.IsOpen)
            return;
        string list = string.Join(", ", open);
        if (options.Value.AllowUnauthenticatedNetwork)
        {
            ApiLog.OpenNetworkAllowed(logger, list);
            return;
        }
        string message = $"'{list}' can be reached from other machines and no authentication is configured. {Remedy}";
        ApiLog.OpenNetworkRefused(logger, message);
        throw new StartRefusedException(message);
    }
}

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
