using System.Runtime.InteropServices;

namespace EbmService.Benchmarks.Reports;

/// <summary>The machine in general words: no names, no paths.</summary>
internal static class MachineDescription
{
    private const string CpuInfo = "/proc/cpuinfo";

    public static string Read()
    {
        string cpu = RuntimeInformation.ProcessArchitecture.ToString();
        if (File.Exists(CpuInfo))
        {
            string[] lines = File.ReadAllLines(CpuInfo);
            cpu = Value(lines, "model name") is { Length: > 0 } name ? name : cpu;
            string flags = Value(lines, "flags");
            cpu += flags.Contains("avx512_bf16", StringComparison.Ordinal) ? ", AVX-512 with bf16" : flags.Contains("avx512f", StringComparison.Ordinal) ? ", AVX-512" : "";
        }
        double memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1 << 30);
        return $"{cpu}; {Environment.ProcessorCount} cores seen; {memory:F0} GiB; {RuntimeInformation.OSDescription.Split(' ')[0]}; .NET {Environment.Version}";
    }

    private static string Value(string[] lines, string key) =>
        lines.FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))?.Split(':', 2)[^1].Trim() ?? "";
}
