using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Benchmarks.Measurements;
using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks;

/// <summary>Starts the service and the baseline, measures, writes the report.</summary>
internal static class BenchmarkRun
{
    private const int UnmeasuredBlockSize = 16;

    public static async Task<int> RunAsync(BenchmarkOptions options, CancellationToken cancel)
    {
        string data = Directory.CreateTempSubdirectory("ebm-benchmark-").FullName;
        try
        {
            await using ServiceProcess service = await ServiceProcess.StartAsync(
                BenchmarkOptions.ServiceAssembly,
                new Dictionary<string, string> { ["Storage__DataPath"] = data, ["Models__Path"] = options.ModelsPath });
            JsonObject card = (await service.Client.GetFromJsonAsync<JsonObject>($"/v1/models/{BenchmarkOptions.Model}", cancel))!;
            BenchmarkReport report = await MeasureAsync(options, service, card);
            await WriteAsync(options, report);
            return 0;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task<BenchmarkReport> MeasureAsync(BenchmarkOptions options, ServiceProcess service, JsonObject card)
    {
        string version = (string)card["version"]!;
        using var plain = new PlainProcess(Path.Combine(options.ModelsPath, BenchmarkOptions.Model, version));
        await using SamplingClient jobs = await SamplingClient.ConnectAsync(service);
        EnergyClient binary = new(service, binary: true), json = new(service, binary: false);
        return new BenchmarkReport(
            MachineDescription.Read(),
            $"{BenchmarkOptions.Model}/{version}, {(long)card["parameterCount"]!:N0} parameters",
            await SamplingMeasurement.RunAsync(options, service, jobs, plain, (int?)card["blockSizes"]!["cpu"] ?? UnmeasuredBlockSize),
            await ThroughputMeasurement.RunAsync(options, binary, json, plain),
            await LatencyMeasurement.RunAsync(options, binary, jobs));
    }

    private static async Task WriteAsync(BenchmarkOptions options, BenchmarkReport report)
    {
        string markdown = MarkdownWriter.Write(options, report);
        Console.WriteLine();
        Console.WriteLine(markdown);
        if (options.Output is not { } path)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        await File.WriteAllTextAsync(path, markdown);
        var indented = new JsonSerializerOptions(JsonSerializerDefaults.Web) { WriteIndented = true };
        await File.WriteAllTextAsync(Path.ChangeExtension(path, ".json"), JsonSerializer.Serialize(report, indented) + "\n");
    }
}
