using System.Diagnostics;
using System.Globalization;

namespace EbmService.Benchmarks.Plain;

/// <summary>The parent's hand on a baseline process: one command per line, one number per line back.</summary>
internal sealed class LoopProcess : IDisposable
{
    public const string Verb = "plain";

    private const string Python = "/usr/bin/python3";

    private readonly Process _process;

    private LoopProcess(string file, params string[] arguments) =>
        _process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The loop in this program.</summary>
    public static LoopProcess TorchSharp(string versionFolder) => new("dotnet", typeof(LoopProcess).Assembly.Location, Verb, versionFolder);

    /// <summary>The loop in Python, with the system's own PyTorch.</summary>
    public static LoopProcess PyTorch(string versionFolder) => new(
        Python, Path.Combine(BenchmarkOptions.RepositoryRoot, "tests", "EbmService.Benchmarks", "PyTorch", "plain_loop.py"), versionFolder);

    /// <returns>The version of the system's PyTorch and its default threads, or null where there is none.</returns>
    public static async Task<string?> PyTorchVersionAsync()
    {
        if (!File.Exists(Python))
            return null;
        using Process probe = Process.Start(
            new ProcessStartInfo(Python, ["-c", "import torch, numpy; print(torch.__version__ + ', threads by default:', torch.get_num_threads())"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> messages = probe.StandardError.ReadToEndAsync();
        string answer = await probe.StandardOutput.ReadToEndAsync();
        await messages;
        await probe.WaitForExitAsync();
        return probe.ExitCode == 0 ? answer.Trim() : null;
    }

    /// <param name="threads">0 for libtorch's default.</param>
    /// <returns>Seconds for so many chains of so many steps in one batch.</returns>
    public Task<double> SampleAsync(int chains, int steps, string precision = "float32", int threads = 0) =>
        AskAsync($"chains {chains} {steps} {threads} {precision}");

    /// <returns>The energy of the input whose numbers rise evenly from the least to the largest; PyTorch's loop alone knows it.</returns>
    public Task<double> EnergyAsync() => AskAsync("energy");

    /// <returns>Inputs per second of forward passes.</returns>
    public Task<double> ForwardAsync(int rows, int threads, TimeSpan length) =>
        AskAsync(string.Create(CultureInfo.InvariantCulture, $"forward {rows} {threads} {length.TotalSeconds}"));

    /// <returns>GFLOP/s of square matrix products, on so many threads of one intra-op thread each.</returns>
    public Task<double> GemmAsync(int size, int threads, TimeSpan length, string precision) =>
        AskAsync(string.Create(CultureInfo.InvariantCulture, $"gemm {size} {threads} {length.TotalSeconds} {precision}"));

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
