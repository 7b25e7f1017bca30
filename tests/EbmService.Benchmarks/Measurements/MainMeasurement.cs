using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Service;
using EbmService.EndToEnd.Tests.Hosting;

namespace EbmService.Benchmarks.Measurements;

/// <summary>One sampling job of 256 chains through HTTP, at several block sizes and both precisions, against one batch in a plain loop.</summary>
internal sealed class MainMeasurement(string name, string model, int steps) : IMeasurement
{
    public const int Chains = 256;

    private const string Energies = "service, energies of 256 inputs a request (.npy)";

    private const string EnergiesOfTwo = "the same, two clients";

    private static readonly int[] BlockSizes = [8, 16, 32, 64];

    public string Name => name;

    public string Title => $"{name}: {Chains} chains of {model} through the service, and as a plain loop";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        await using ServiceProcess service = await context.StartServiceAsync();
        await using SamplingClient client = await SamplingClient.ConnectAsync(service);
        using LoopProcess loop = LoopProcess.TorchSharp(context.Models.VersionFolder(model));
        int length = context.Options.Shortened(steps, 4);
        var rounds = new SamplingRounds(Chains, length);
        rounds.AddLoop("plain loop", loop);
        rounds.AddLoop("plain loop, bfloat16", loop, "bfloat16");
        var energies = new EnergyClient(service, binary: true, Chains, model);
        rounds.AddWay(Energies, () => energies.RepeatAsync(length), () => service.ProcessorTime);
        rounds.AddWay(EnergiesOfTwo, () => energies.RepeatAsync(length, clients: 2), () => service.ProcessorTime);
        string sampling = "";
        foreach (string precision in new[] { "float32", "bfloat16" })
        {
            foreach (int size in context.Options.Quick ? [32] : BlockSizes)
            {
                string mark = size == context.Models.DefaultBlockSize(model) ? " (the model's default)" : "";
                string way = $"service, {precision}, blocks of {size}{mark}";
                if (precision == "float32" && (mark.Length > 0 || sampling.Length == 0))
                    sampling = way;
                rounds.AddService(way, service, client, new SamplingRequest(model, Chains, length, size, Precision: precision, PreviewEvery: 50));
            }
        }
        await rounds.RunAsync(name, context.Options.ActualRounds);
        string text = $"""
            {length} steps. The service: a process with Kestrel on loopback; the job is submitted over HTTP, watched over SignalR with previews every 50 steps, stored, and its samples, picture and trace fetched; the clock covers all of that.
            The plain loop: one batch of {Chains} in a process of its own, same weights and recipe, autograd, libtorch's default threads.
            Core-seconds are processor time: what other work on the machine disturbs least; the plain loop's include its threads' waiting for one another.
            One energy and gradient is {context.Models.FlopsPerChainStep(model) / 1e6:N1} million floating-point operations.

            {rounds.Table()}
            Energies: {length} requests, each client's after the answer to its one before; their 'chain-steps' are inputs. To {sampling}: {rounds.Ratio(Energies, sampling).Show("F2")}; of two clients, so that the slots don't wait for a body, {rounds.Ratio(EnergiesOfTwo, sampling).Show("F2")}.
            """;
        return new MeasurementResult(text, new { chains = Chains, steps = length, timings = rounds.Timings });
    }
}
