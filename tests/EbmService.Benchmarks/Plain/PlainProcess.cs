using System.Diagnostics;
using System.Globalization;

namespace EbmService.Benchmarks.Plain;

/// <summary>The parent's hand on the baseline process.</summary>
internal sealed class PlainProcess : IDisposable
{
    public const string Verb = "plain";

    private readonly Process _process;

    public PlainProcess(string versionFolder) =>
        _process = Process.Start(new ProcessStartInfo("dotnet", [typeof(PlainProcess).Assembly.Location, Verb, versionFolder])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <returns>Seconds for so many chains of so many steps in one batch.</returns>
    public Task<double> SampleAsync(int chains, int steps) => AskAsync($"chains {chains} {steps}");

    /// <returns>Inputs per second of forward passes.</returns>
    public Task<double> ForwardAsync(int rows, int threads, TimeSpan length) =>
        AskAsync(string.Create(CultureInfo.InvariantCulture, $"forward {rows} {threads} {length.TotalSeconds}"));

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(10)))
            _process.Kill();
        _process.Dispose();
    }

    private async Task<double> AskAsync(string command)
    {
        await _process.StandardInput.WriteLineAsync(command);
        await _process.StandardInput.FlushAsync();
        string answer = await _process.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException("The baseline process ended early; its message stands above.");
        return double.Parse(answer, CultureInfo.InvariantCulture);
    }
}
