using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Architectures.ConvJem;
using EbmService.Inference.Architectures.Mlp;
using EbmService.Inference.Devices;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EbmService.Inference.Tests.Models;

/// <summary>A model repository in a temporary folder, with good models to be spoilt.</summary>
internal sealed class TestRepository : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    internal string Root => _folder.Path;

    internal static ModelDescriptor Mlp(string name) => new()
    {
        Name = name,
        Title = "A small perceptron",
        Architecture = new MlpSpec([3]),
        Input = new InputSchema(InputKind.Vector, [2], -4, 4),
    };

    internal static ModelDescriptor Jem(string name) => new()
    {
        Name = name,
        Title = "A small classifier",
        Architecture = new ConvJemSpec([new ConvolutionLayer(4, 3)], 2),
        Input = new InputSchema(InputKind.Image, [1, 3, 3], -1, 1),
        Labels = ["a", "b"],
    };

    internal static Dictionary<string, SafetensorsTensor> MlpWeights(float scale = 1) => new()
    {
        ["layers.0.weight"] = Ramp(scale, 3, 2),
        ["layers.0.bias"] = Ramp(scale, 3),
        ["layers.1.weight"] = Ramp(scale, 1, 3),
        ["layers.1.bias"] = Ramp(scale, 1),
    };

    internal static ModelVersionContent JemContent() => new()
    {
        Weights = new Dictionary<string, SafetensorsTensor>
        {
            ["layers.0.weight"] = Ramp(1, 4, 1, 3, 3),
            ["layers.0.bias"] = Ramp(1, 4),
            ["head.weight"] = Ramp(1, 2, 36),
            ["head.bias"] = Ramp(1, 2),
        },
        Buffer = Ramp(1, 4, 1, 3, 3),
        BufferLabels = [0, 1, 0, 1],
        Calibration = new Dictionary<string, float[]> { ["logDensity"] = [3, 1, 2], ["maxLogit"] = [0, -1, 5] },
        Provenance = new ModelProvenance { Command = "ebm train", Data = "none", Seed = 7, Seconds = 1.5,
            FinishedAt = DateTimeOffset.UnixEpoch },
        Metrics = new Dictionary<string, double> { ["accuracy"] = 0.99 },
        BlockSizes = new Dictionary<string, int> { ["cpu"] = 8 },
    };

    internal string Folder(params string[] parts) => _folder.File(parts);

    internal void WriteDescriptor(ModelDescriptor descriptor) =>
        WriteText(JsonSerializer.Serialize(descriptor, EbmJson.Indented), descriptor.Name, "model.json");

    internal void WriteText(string text, params string[] parts)
    {
        string path = Folder(parts);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    internal void AddMlp(string name, params string[] versions)
    {
        WriteDescriptor(Mlp(name));
        foreach ((int i, string version) in versions.Index())
            ModelVersionWriter.Write(Folder(name), version, new ModelVersionContent { Weights = MlpWeights(i + 1) });
    }

    /// <summary>A perceptron with one hidden layer of that width.</summary>
    internal void AddWideMlp(string name, int width)
    {
        WriteDescriptor(Mlp(name) with { Architecture = new MlpSpec([width]) });
        ModelVersionWriter.Write(Folder(name), "1", new ModelVersionContent
        {
            Weights = new Dictionary<string, SafetensorsTensor>
            {
                ["layers.0.weight"] = SafetensorsTensor.FromFloats(new float[2 * width], [width, 2]),
                ["layers.0.bias"] = SafetensorsTensor.FromFloats(new float[width], [width]),
                ["layers.1.weight"] = SafetensorsTensor.FromFloats(new float[width], [1, width]),
                ["layers.1.bias"] = SafetensorsTensor.FromFloats(new float[1], [1]),
            },
        });
    }

    internal void AddJem(string name, ModelVersionContent? content = null)
    {
        WriteDescriptor(Jem(name));
        ModelVersionWriter.Write(Folder(name), "1", content ?? JemContent());
    }

    internal ModelRepository Open(bool allowTorchScript) => Open(new ModelsOptions { Path = Root, AllowTorchScript = allowTorchScript });

    internal ModelRepository Open() => Open(Root);

    internal static ModelRepository Open(string root, params string[] linkTargets) =>
        Open(new ModelsOptions { Path = root, AllowedLinkTargets = linkTargets });

    /// <summary>What the service serves of it; the pool is the caller's to dispose of.</summary>
    internal (HostedModels Models, LiveModelPool Pool) Host(ModelsOptions? settings = null)
    {
        IOptions<ModelsOptions> options = Options.Create(settings ?? new ModelsOptions());
        ModelRepository repository = Open();
        var device = new TorchDevice(Options.Create(new DeviceOptions { Kind = "cpu" }));
        var pool = new LiveModelPool(repository, device, options);
        var models = new HostedModels(
            repository, new Lazy<LiveModelPool>(pool), new Lazy<TorchDevice>(device), options, NullLogger<HostedModels>.Instance);
        return (models, pool);
    }

    internal static ModelRepository Open(ModelsOptions options) => new(Options.Create(options), NullLogger<ModelRepository>.Instance);

    public void Dispose() => _folder.Dispose();

    internal static SafetensorsTensor Ramp(float scale, params long[] shape) => SafetensorsTensor.FromFloats(
        [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(i => scale * (i - 1) / 8)], shape);
}
