using System.Net;
using System.Net.Sockets;

namespace EbmService.Client.Tests.Service;

/// <summary>A network that breaks when told to: takes connections at one address and passes them on to another.</summary>
internal sealed class TcpRelay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _open = [];
    private long _budget = long.MaxValue;

    internal TcpRelay(Uri target)
    {
        Target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    internal Uri Address => new($"http://localhost:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    internal Uri Target { get; set; }

    /// <value>Whether new connections are cut at once.</value>
    internal bool IsDown { get; set; }

    /// <value>Connections that were passed on.</value>
    internal int Passed { get; private set; }

    /// <summary>Cuts every connection.</summary>
    internal void Cut()
    {
        lock (_open)
        {
            foreach (Socket socket in _open)
                socket.Dispose();
            _open.Clear();
        }
    }

    /// <summary>Cuts every connection once so many more bytes have come from the service.</summary>
    internal void CutAfter(long bytes) => Interlocked.Exchange(ref _budget, bytes);

    public void Dispose()
    {
        _listener.Stop();
        Cut();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync();
                if (IsDown)
                {
                    near.Dispose();
                    continue;
                }
                _ = PassOnAsync(near);
            }
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task PassOnAsync(Socket near)
    {
        var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await far.ConnectAsync(Target.Host, Target.Port);
        }
        catch (SocketException)
        {
            near.Dispose();
            far.Dispose();
            return;
        }
        Passed++;
        lock (_open)
            _open.AddRange([near, far]);
        _ = CopyAsync(near, far, counts: false);
        _ = CopyAsync(far, near, counts: true);
    }

    private async Task CopyAsync(Socket from, Socket to, bool counts)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var read)
            {
                if (counts && Interlocked.Add(ref _budget, -read) < 0)
                {
                    Interlocked.Exchange(ref _budget, long.MaxValue);
                    Cut();
                    return;
                }
                await to.SendAsync(buffer.AsMemory(0, read));
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception broken) when (broken is SocketException or ObjectDisposedException)
        {
            from.Dispose();
            to.Dispose();
        }
    }
}
