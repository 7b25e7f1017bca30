using System.Diagnostics;
using System.Runtime.InteropServices;

namespace EbmService.EndToEnd.Tests.Hosting;

/// <summary>The command: <c>dotnet ebm.dll</c>, with a temporary folder of its own.</summary>
internal sealed class CommandProcess : IDisposable
{
    private const int Interrupt = 2;

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _error;

    /// <param name="temporary">What the process takes for the system's temporary folder.</param>
    public CommandProcess(string temporary, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [ServiceHost.AssemblyOf("EbmService.Cli", "ebm.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["TMPDIR"] = temporary;
        _process = Process.Start(start)!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _error = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>Ctrl-C.</summary>
    public void Stop() => _ = SendSignal(_process.Id, Interrupt);

    public async Task<(int ExitCode, string Output)> EndAsync()
    {
        await _process.WaitForExitAsync(HttpSteps.Cancel);
        return (_process.ExitCode, await _output + await _error);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int SendSignal(int process, int signal);
}
