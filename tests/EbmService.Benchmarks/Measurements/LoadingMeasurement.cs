using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>Resident memory of the service over many cycles of loading a model, asking it and unloading it.</summary>
internal sealed class LoadingMeasurement : IMeasurement
{
    public string Name => "loading";

    public string Title => "loading: resident memory over cycles of load, energy, unload";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        int cycles = context.Options.Quick ? 40 : 200, every = cycles / 10, settled = cycles / 5;
        await using ServiceProcess service = await context.StartServiceAsync();
        var energies = new EnergyClient(service, binary: true);
        var readings = new List<(int Cycles, double MiB)>();
        for (int done = 1; done <= cycles; done++)
        {
            await ChangeAsync(service, "load");
            await energies.RepeatAsync(1);
            await ChangeAsync(service, "unload");
            if (done % every != 0)
                continue;
            readings.Add((done, service.ResidentBytes / (double)(1 << 20)));
            BenchmarkContext.Say(FormattableString.Invariant($"loading: {readings[^1].MiB:F0} MiB after {done} cycles"));
        }
        double[] after = [.. readings.Where(reading => reading.Cycles >= settled).Select(reading => reading.MiB)];
        var table = new MarkdownTable("cycles", "resident MiB");
        foreach ((int done, double mebibytes) in readings)
            table.Row($"{done}", FormattableString.Invariant($"{mebibytes:F0}"));
        string text = FormattableString.Invariant($"""
            {cycles} cycles: `POST .../load` of mnist-jem, one energy, `POST .../unload`. From cycle {settled} on {after.Min():F0} to {after.Max():F0} MiB.

            {table}
            """);
        return new MeasurementResult(text, new { cycles, readings = readings.Select(reading => new { reading.Cycles, reading.MiB }) });
    }

    private static async Task ChangeAsync(ServiceProcess service, string command)
    {
        using HttpResponseMessage response = await service.Client.PostAsync($"/v1/models/{BenchmarkModels.Bundled}/{command}", null);
        response.EnsureSuccessStatusCode();
    }
}
