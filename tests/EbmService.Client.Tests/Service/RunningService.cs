using EbmService.Api.Tests.WholeService;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Client.Tests.Service;

/// <summary>The service as it runs, on a real port, behind a network that can be broken; it can be started again on the same data.</summary>
public sealed class RunningService : IAsyncDisposable
{
    private readonly ServiceFolder _folder = new();
    private ServiceFactory _factory;

    public RunningService()
    {
        _factory = Start();
        Relay = new TcpRelay(_factory.ClientOptions.BaseAddress);
    }

    internal TcpRelay Relay { get; }

    internal HubGate Gate { get; } = new();

    internal IServiceProvider Services => _factory.Services;

    /// <summary>A client that goes through the relay.</summary>
    internal EbmClient Client(EventTransport events = EventTransport.Automatic, Action<EbmClientOptions>? configure = null)
    {
        var options = new EbmClientOptions { BaseAddress = Relay.Address, Events = events, RetryDelay = TimeSpan.FromMilliseconds(50) };
        configure?.Invoke(options);
        return EbmClient.Create(options);
    }

    /// <summary>A client that reaches the service whatever becomes of the relay.</summary>
    internal EbmClient Direct() => EbmClient.Create(new EbmClientOptions { BaseAddress = Relay.Target });

    internal async Task StopAsync() => await _factory.DisposeAsync();

    internal void StartAgain()
    {
        _factory = Start();
        Relay.Target = _factory.ClientOptions.BaseAddress;
    }

    public async ValueTask DisposeAsync()
    {
        Relay.Dispose();
        await _factory.DisposeAsync();
        _folder.Dispose();
    }

    private ServiceFactory Start()
    {
        var factory = new ServiceFactory(_folder, ("Models:AllowUpload", "true"), ("Limits:MaxSteps", "100000000"), ("Logging:LogLevel:Default", "Warning"))
        {
            AddServices = services => services.AddSingleton<IStartupFilter>(Gate),
        };
        factory.UseKestrel(0);
        factory.StartServer();
        return factory;
    }
}

/// <summary>Sees what comes to the hub, and can keep it out as a proxy would.</summary>
internal sealed class HubGate : IStartupFilter
{
    private readonly List<string> _seen = [];

    internal bool IsClosed { get; set; }

    /// <value>Method, path and Authorization of each request.</value>
    internal IReadOnlyList<string> Seen
    {
        get
        {
            lock (_seen)
                return [.. _seen];
        }
    }

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(async (context, go) =>
        {
            bool isHub = context.Request.Path.StartsWithSegments("/hubs");
            if (isHub)
            {
                lock (_seen)
                    _seen.Add($"{context.Request.Path} {context.Request.Headers.Authorization}");
            }
            if (isHub && IsClosed)
                context.Response.StatusCode = StatusCodes.Status404NotFound;
            else
                await go(context);
        });
        next(app);
    };
}
