using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using EbmService.Client;

namespace EbmService.EndToEnd.Tests.Hosting;

/// <summary>The real service: <c>dotnet EbmService.Api.dll</c> on a free port of loopback.</summary>
public sealed partial class ServiceProcess : IAsyncDisposable
{
    private const int Terminate = 15;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private EbmClient? _ebm;
    private bool _isDisposed;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServiceProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.Exited += (_, _) => _address.TrySetException(new InvalidOperationException("The service ended before it listened."));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <value>A free port of loopback.</value>
    public static Uri AnyPort { get; } = new("http://127.0.0.1:0");

    public HttpClient Client { get; } = new() { Timeout = TimeSpan.FromSeconds(100) };

    /// <value>The package that other services use.</value>
    public EbmClient Ebm => _ebm ??= EbmClient.Create(new EbmClientOptions { BaseAddress = Address });

    public Uri Address => Client.BaseAddress!;

    /// <value>What it wrote so far, for the message of a failing test.</value>
    public string Output => string.Join(Environment.NewLine, _output);

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <value>The most that was resident since its start.</value>
    public long PeakResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    /// <summary>Starts it.</summary>
    /// <param name="assembly">Path of EbmService.Api.dll.</param>
    /// <param name="settings">Configuration as environment variables, for example <c>Storage__DataPath</c>.</param>
    /// <param name="address">Where it listens; a free port of loopback by default.</param>
    public static ServiceProcess Launch(string assembly, IReadOnlyDictionary<string, string> settings, Uri? address = null)
    {
        if (!File.Exists(assembly))
            throw new FileNotFoundException("The service is not built.", assembly);
        var start = new ProcessStartInfo("dotnet", [assembly, "--urls", (address ?? AnyPort).GetLeftPart(UriPartial.Authority)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in settings)
            start.Environment[name] = value;
        return new ServiceProcess(start);
    }

    /// <summary>Starts it and waits until it is ready.</summary>
    public static Task<ServiceProcess> StartAsync(string assembly, IReadOnlyDictionary<string, string> settings) =>
        Launch(assembly, settings).ReadyAsync();

    /// <summary>Waits until /health/ready says 200.</summary>
    public async Task<ServiceProcess> ReadyAsync()
    {
        try
        {
            Client.BaseAddress = await _address.Task.WaitAsync(StartLimit);
            await WaitUntilReadyAsync();
            return this;
        }
        catch (Exception failure)
        {
            await DisposeAsync();
            throw new InvalidOperationException($"The service did not become ready.{Environment.NewLine}{Output}", failure);
        }
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, as systemd and Docker send it.</summary>
    /// <returns>The exit code and how long it took.</returns>
    public async Task<(int ExitCode, TimeSpan Took)> StopAsync()
    {
        long begun = Stopwatch.GetTimestamp();
        if (SendSignal(_process.Id, Terminate) != 0)
            throw new InvalidOperationException("The process could not be signalled.");
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return (_process.ExitCode, Stopwatch.GetElapsedTime(begun));
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
        Client.Dispose();
        if (_ebm is not null)
            await _ebm.DisposeAsync();
    }

    private async Task WaitUntilReadyAsync()
    {
        using var limit = new CancellationTokenSource(StartLimit);
        while (true)
        {
            using HttpResponseMessage answer = await Client.GetAsync("/health/ready", limit.Token);
            if (answer.IsSuccessStatusCode)
                return;
            await Task.Delay(100, limit.Token);
        }
    }

    private void Read(string? line)
    {
        if (line is null)
            return;
        _output.Enqueue(line);
        if (ListeningPattern().Match(line) is { Success: true } match)
            _address.TrySetResult(new Uri(match.Groups[1].Value));
    }

    [GeneratedRegex("Now listening on: (http://[^\\s\"]+)")]
    private static partial Regex ListeningPattern();

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}
