using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>The same loop in Python, with the system's own PyTorch, where there is one.</summary>
internal sealed class PyTorchMeasurement : IMeasurement
{
    public string Name => "pytorch";

    public string Title => "pytorch: the same loop in Python";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        if (await LoopProcess.PyTorchVersionAsync() is not { } version)
            return new MeasurementResult("Not measured: this machine's python3 has no torch (`apt-get install python3-torch`).", new { skipped = true });
        await using ServiceProcess service = await context.StartServiceAsync();
        await using SamplingClient client = await SamplingClient.ConnectAsync(service);
        var text = new System.Text.StringBuilder($"The system's PyTorch {version}. One batch of {MainMeasurement.Chains}, same weights and recipe, autograd; the first line with its default threads.\n");
        var figures = new Dictionary<string, object> { ["version"] = version };
        foreach ((string model, int steps) in new[] { (BenchmarkModels.Bundled, 100), (BenchmarkModels.Reference, 25) })
        {
            using LoopProcess loop = LoopProcess.PyTorch(context.Models.VersionFolder(model));
            var rounds = new SamplingRounds(MainMeasurement.Chains, context.Options.Shortened(steps));
            rounds.AddLoop("PyTorch", loop);
            // The default may be fewer: the comparison that is fair to the machine has all cores.
            foreach (string precision in new[] { "float32", "bfloat16" })
                rounds.AddLoop($"PyTorch, {precision}, {Environment.ProcessorCount} threads", loop, precision, Environment.ProcessorCount);
            int size = context.Models.DefaultBlockSize(model);
            foreach (string precision in new[] { "float32", "bfloat16" })
                rounds.AddService($"service, {precision}, blocks of {size}", service, client, new SamplingRequest(model, 0, 0, size, Precision: precision));
            await rounds.RunAsync($"pytorch, {model}", context.Options.ActualRounds);
            text.Append($"\n{model}, {context.Options.Shortened(steps)} steps:\n\n{rounds.Table()}");
            figures[model] = rounds.Timings;
        }
        return new MeasurementResult(text.ToString(), figures);
    }
}
