using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>One job of very many blocks, with its data on disk and in memory: the difference is what waiting for the disk costs.</summary>
internal sealed class BlocksMeasurement : IMeasurement
{
    private const string MemoryFolder = "/dev/shm";
    private const int Steps = 20;

    public string Name => "blocks";

    public string Title => "blocks: one job of very many";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        int blocks = context.Options.Shortened(10_000, 500);
        string memory = Directory.CreateDirectory(Path.Combine(Directory.Exists(MemoryFolder) ? MemoryFolder : Path.GetTempPath(), $"ebm-{Guid.NewGuid():N}")).FullName;
        try
        {
            await using ServiceProcess onDisk = await context.StartServiceAsync();
            await using ServiceProcess inMemory = await context.StartServiceAsync(dataPath: memory);
            await using SamplingClient disk = await SamplingClient.ConnectAsync(onDisk);
            await using SamplingClient ram = await SamplingClient.ConnectAsync(inMemory);
            await Task.WhenAll(disk.RunAsync(Request(16, Steps)), ram.RunAsync(Request(16, Steps)));
            List<double> diskSeconds = [], memorySeconds = [], doubleSeconds = [];
            for (int round = 0; round < context.Options.ActualRounds; round++)
            {
                diskSeconds.Add(await disk.RunAsync(Request(blocks, Steps)));
                memorySeconds.Add(await ram.RunAsync(Request(blocks, Steps)));
                doubleSeconds.Add(await disk.RunAsync(Request(blocks, 2 * Steps)));
                BenchmarkContext.Say($"blocks, round {round + 1}: {diskSeconds[round]:F1} s on disk, {memorySeconds[round]:F1} s in memory, {doubleSeconds[round]:F1} s with twice the steps");
            }
            // Twice the steps cost twice the computing and once everything else.
            double[] perBlock = [.. diskSeconds.Zip(doubleSeconds, (once, twice) => (2 * once - twice) / blocks * 1e3)];
            var table = new MarkdownTable("", "");
            table.Row("seconds, data on disk", Spread.Of(diskSeconds).Show("F1"));
            table.Row("seconds, data in memory", Spread.Of(memorySeconds).Show("F1"));
            table.Row("share of the time that waits for the disk", Spread.Of(diskSeconds.Zip(memorySeconds, (d, m) => 1 - m / d)).Show("P1"));
            table.Row("ms per block beside its steps", Spread.Of(perBlock).Show("F2"));
            string text = $"{BenchmarkModels.Bundled}, one job of {blocks} blocks of one chain and {Steps} steps, from the request to the last result.\n\n{table}";
            return new MeasurementResult(text, new { blocks, steps = Steps, diskSeconds, memorySeconds, doubleSeconds });
        }
        finally
        {
            Directory.Delete(memory, recursive: true);
        }
    }

    private static SamplingRequest Request(int blocks, int steps) => new(BenchmarkModels.Bundled, blocks, steps, BlockSize: 1);
}
