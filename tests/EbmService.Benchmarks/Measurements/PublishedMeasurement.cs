using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using EbmService.Benchmarks.Plain;
using EbmService.Benchmarks.Reports;
using EbmService.Benchmarks.Service;
using EbmService.Core.Models;
using EbmService.EndToEnd.Tests.Hosting;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Igebm;
using EbmService.Inference.Architectures.TorchScript;
using EbmService.Inference.Architectures.WideResNet;

namespace EbmService.Benchmarks.Measurements;

/// <summary>Networks of the published code, and any network in TorchScript, against the same loop in Python on as many threads.</summary>
internal sealed class PublishedMeasurement : IMeasurement
{
    private const int Chains = 16;

    private static readonly (string Model, string What, ArchitectureSpec Architecture, InputSchema Input, int Classes, int Steps)[] s_cases =
    [
        ("wide-resnet", "wide-resnet-jem of depth 10 and width 2, 3 x 32 x 32",
            new WideResNetSpec(10, 2, 10), new InputSchema(InputKind.Image, [3, 32, 32], -1, 1), 10, 40),
        ("igebm", "igebm of 32 channels and blocks of 32, 64 and 64, each halved, 1 x 28 x 28",
            new IgebmSpec(32, [new(32, true), new(64, true), new(64, true)]), new InputSchema(InputKind.Image, [1, 28, 28], -1, 1), 0, 40),
        ("torchscript", "TorchScript: the tests' classifier of 2005 parameters, 1 x 8 x 8",
            new TorchScriptSpec(ModuleOutput.Logits, 4), new InputSchema(InputKind.Image, [1, 8, 8], -1, 1), 4, 1000),
    ];

    public string Name => "published";

    public string Title => $"published: {Chains} chains of the published networks and of TorchScript, and the same loop in Python";

    public async Task<MeasurementResult> RunAsync(BenchmarkContext context)
    {
        if (await LoopProcess.PyTorchVersionAsync() is not { } version)
            return new MeasurementResult("Not measured: this machine's python3 has no torch (`apt-get install python3-torch`).", new { skipped = true });
        Write(context.Models);
        await using ServiceProcess service = await context.StartServiceAsync(allowTorchScript: true);
        await using ServiceProcess narrow = await context.StartServiceAsync(slots: 1, allowTorchScript: true);
        await using SamplingClient client = await SamplingClient.ConnectAsync(service);
        await using SamplingClient narrowClient = await SamplingClient.ConnectAsync(narrow);
        int cores = Environment.ProcessorCount;
        var text = new System.Text.StringBuilder($"""
            The system's PyTorch {version}. Float32, random weights, one SGLD recipe for all; PyTorch differentiates one batch of {Chains} by autograd. The service on {cores} slots of one thread each
            takes it as blocks of {Chains / cores}, on one slot as one block; its clock covers the whole job: submitted over HTTP, watched over SignalR, stored, samples and trace fetched.

            """);
        var figures = new Dictionary<string, object> { ["version"] = version };
        foreach ((string model, string what, _, InputSchema input, _, int steps) in s_cases)
        {
            using LoopProcess loop = LoopProcess.PyTorch(context.Models.VersionFolder(model));
            double theirs = await loop.EnergyAsync(), ours = await EnergyAsync(service, model, input);
            int length = context.Options.Shortened(steps);
            MarkdownTable table = new("", "chain-steps per second", "ratio to PyTorch on as many threads", "chain-steps per core-second");
            var rounds = new SamplingRounds(Chains, length);
            (string Loop, string Service)[] pairs =
                [($"PyTorch, {cores} threads", $"service, {cores} slots"), ("PyTorch, 1 thread", "service, 1 slot")];
            rounds.AddLoop(pairs[0].Loop, loop, threads: cores);
            rounds.AddService(pairs[0].Service, service, client, new SamplingRequest(model, 0, 0, Chains / cores));
            rounds.AddLoop(pairs[1].Loop, loop, threads: 1);
            rounds.AddService(pairs[1].Service, narrow, narrowClient, new SamplingRequest(model, 0, 0, Chains));
            await rounds.RunAsync($"published, {model}", context.Options.ActualRounds);
            foreach ((string other, string own) in pairs)
            {
                table.Row(other, rounds.Rate(other).Show("N0"), "1", rounds.CoreRate(other).Show("N0"));
                table.Row(own, rounds.Rate(own).Show("N0"), rounds.Ratio(own, other).Show("F2"), rounds.CoreRate(own).Show("N0"));
            }
            text.Append(string.Create(CultureInfo.InvariantCulture,
                $"\n{what}, {length} steps; the energies of one input differ by {Math.Abs(ours - theirs) / Math.Abs(theirs):E0} of their size:\n\n{table}"));
            figures[model] = new { timings = rounds.Timings, energy = new { theirs, ours } };
        }
        return new MeasurementResult(text.ToString(), figures);
    }

    private static void Write(BenchmarkModels models)
    {
        string module = Path.Combine(BenchmarkOptions.RepositoryRoot, "tests", "fixtures", "torchscript", "classifier.pt");
        foreach ((string model, string what, ArchitectureSpec architecture, InputSchema input, int classes, _) in s_cases)
        {
            ModelDescriptor descriptor = models.Bundle(BenchmarkModels.Bundled) with
            {
                Name = model, Title = what, Architecture = architecture, Input = input,
                Labels = [.. Enumerable.Range(0, classes).Select(label => label.ToString(CultureInfo.InvariantCulture))],
            };
            models.Write(descriptor, architecture is TorchScriptSpec ? File.ReadAllBytes(module) : null);
        }
    }

    /// <summary>Of the input that <see cref="LoopProcess.EnergyAsync"/> takes.</summary>
    private static async Task<double> EnergyAsync(ServiceProcess service, string model, InputSchema input)
    {
        int length = input.Shape.Aggregate((product, size) => product * size);
        IEnumerable<JsonNode?> rows = Enumerable.Range(0, length)
            .Select(i => (JsonNode?)JsonValue.Create(input.Min + (input.Max - input.Min) * i / (length - 1)));
        foreach (int size in input.Shape.Reverse())
            rows = [.. rows.Chunk(size).Select(chunk => new JsonArray(chunk))];
        using HttpResponseMessage answer = await service.Client.PostAsJsonAsync($"/v1/models/{model}/energy", new JsonObject { ["inputs"] = new JsonArray([.. rows]) });
        answer.EnsureSuccessStatusCode();
        JsonNode body = (await answer.Content.ReadFromJsonAsync<JsonNode>())!;
        return (double)body["results"]![0]!["energy"]!;
    }
}
