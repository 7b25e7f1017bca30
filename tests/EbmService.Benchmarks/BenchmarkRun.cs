using System.Text;
using System.Text.Json;
using EbmService.Benchmarks.Measurements;
using EbmService.Benchmarks.Reports;

namespace EbmService.Benchmarks;

/// <summary>Runs what was chosen, one after the other, and writes the report.</summary>
internal static class BenchmarkRun
{
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task<int> RunAsync(BenchmarkOptions options, CancellationToken cancel)
    {
        IReadOnlyList<IMeasurement> chosen = MeasurementList.Chosen(options.Only);
        string folder = Directory.CreateTempSubdirectory("ebm-benchmark-").FullName;
        try
        {
            var context = new BenchmarkContext(options, folder);
            StringBuilder text = Heading(options);
            var figures = new Dictionary<string, object> { ["machine"] = MachineDescription.Read(), ["command"] = options.Command };
            foreach (IMeasurement measurement in chosen)
            {
                cancel.ThrowIfCancellationRequested();
                MeasurementResult result = await measurement.RunAsync(context);
                text.AppendLine($"## {measurement.Title}").AppendLine().AppendLine(result.Markdown.Trim()).AppendLine();
                figures[measurement.Name] = result.Figures;
                // A long run that breaks off keeps what it has.
                await WriteAsync(options, text.ToString().ReplaceLineEndings("\n"), figures);
            }
            Console.WriteLine();
            Console.WriteLine(text);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static StringBuilder Heading(BenchmarkOptions options)
    {
        StringBuilder text = new StringBuilder().AppendLine("# Benchmarks").AppendLine();
        text.AppendLine($"Machine: {MachineDescription.Read()}.").AppendLine();
        text.AppendLine($"Each figure is the median of {options.ActualRounds} interleaved rounds, [min, max] beside it; ratios are taken round by round.").AppendLine();
        text.AppendLine("    " + options.Command).AppendLine();
        if (options.Quick)
            text.AppendLine("**A smoke run: these figures measure nothing.**").AppendLine();
        return text;
    }

    private static async Task WriteAsync(BenchmarkOptions options, string markdown, Dictionary<string, object> figures)
    {
        if (options.Output is not { } path)
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        await File.WriteAllTextAsync(path, markdown);
        await File.WriteAllTextAsync(Path.ChangeExtension(path, ".json"), JsonSerializer.Serialize(figures, Indented) + "\n");
    }
}
