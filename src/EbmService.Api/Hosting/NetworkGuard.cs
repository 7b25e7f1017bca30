using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace EbmService.Api.Hosting;

/// <summary>Refuses to start on a non-loopback address while nobody has to authenticate.</summary>
internal sealed class NetworkGuard(
    IConfiguration configuration, IServer server, IOptions<SecurityOptions> options, IHostApplicationLifetime lifetime,
    ILogger<NetworkGuard> logger) : IHostedLifecycleService
{
    internal const string Remedy =
        "Listen on http://localhost:5080, or set Security:AllowUnauthenticatedNetwork (environment: Security__AllowUnauthenticatedNetwork) to true if something else keeps strangers out.";

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
        if (open.Length == 0)
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
