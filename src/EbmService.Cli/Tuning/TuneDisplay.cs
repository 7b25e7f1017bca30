using EbmService.Inference.Models;

namespace EbmService.Cli.Tuning;

/// <summary>What <c>ebm tune</c> tells.</summary>
internal sealed class TuneDisplay(CliEnvironment environment)
{
    private int _rounds;

    public void Begin(TuningRequest request)
    {
        _rounds = request.Rounds;
        environment.Out.WriteLine(
            $"Tuning {request.Model.Key}, {Name(request.Precision)}: blocks of {string.Join(", ", request.BlockSizes)}, {request.Rounds} rounds.");
    }

    public void Round(int number)
    {
        environment.Out.WriteLine($"round {number} of {_rounds}");
        environment.Out.Flush();
    }

    public void Table(TuningReport report)
    {
        environment.Out.WriteLine();
        environment.Out.WriteLine("block  slots  chain-steps/s  [min, max]");
        foreach (TuningPoint point in report.Points)
        {
            string mark = point == report.Best ? "  <- best" : "";
            environment.Out.WriteLine($"{point.BlockSize,5}  {point.Slots,5}  {point.Median,13:N0}  [{point.Rates.Min():N0}, {point.Rates.Max():N0}]{mark}");
        }
        environment.Out.WriteLine();
        environment.Out.WriteLine($"Best on {report.DeviceKind} in {Name(report.Precision)}: blocks of {report.Best.BlockSize}, {report.Best.Slots} slots.");
    }

    public void Saved(int? before, TuningReport report) => environment.Out.WriteLine(before == report.Best.BlockSize
        ? $"{ModelFiles.Manifest} has that size for {report.DeviceKind} already."
        : $"Wrote it into {ModelFiles.Manifest} for {report.DeviceKind} ({(before is { } size ? $"{size} before" : "none before")}): jobs that name no block size get other bits than before.");

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
