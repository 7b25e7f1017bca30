using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.ConvJem;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;

namespace EbmService.Benchmarks;

/// <summary>The models that are measured: copies of the bundled ones, and networks of random weights from a fixed seed.</summary>
internal sealed class BenchmarkModels
{
    public const string Bundled = "mnist-jem";
    public const string Moons = "two-moons";

    /// <summary>Four convolutions of 64 to 128 channels over 28 by 28 pixels.</summary>
    public const string Reference = "reference";

    private const string Version = "1";
    private static readonly ConvolutionLayer[] ReferenceLayers = [new(64, 3), new(64, 4, 2), new(128, 4, 2), new(128, 4, 2)];

    public BenchmarkModels(string bundled, string folder)
    {
        Folder = folder;
        foreach (string name in new[] { Bundled, Moons })
            Copy(Path.Combine(bundled, name), Path.Combine(folder, name));
        WriteNetwork(Reference, ReferenceLayers, 28);
        foreach (int side in Sides)
            WriteNetwork(OfSide(side), Bundle(Bundled).Architecture.Spec() is ConvJemSpec jem ? jem.Layers : ReferenceLayers, side);
    }

    public string Folder { get; }

    public static IReadOnlyList<int> Sides { get; } = [16, 32, 64, 128];

    /// <summary>The network of the bundled model's layers over images of that side.</summary>
    public static string OfSide(int side) => $"side-{side}";

    /// <summary>The folder of the newest version.</summary>
    public string VersionFolder(string model) =>
        Directory.GetDirectories(Path.Combine(Folder, model)).Where(each => File.Exists(Path.Combine(each, "version.json"))).Order(StringComparer.Ordinal).Last();

    public ModelDescriptor Bundle(string model) =>
        JsonSerializer.Deserialize<ModelDescriptor>(File.ReadAllBytes(Path.Combine(Folder, model, "model.json")), EbmJson.Options)!;

    /// <summary>The block size that a job gets when it names none.</summary>
    public int DefaultBlockSize(string model) =>
        (int?)JsonNode.Parse(File.ReadAllText(Path.Combine(VersionFolder(model), "version.json")))!["blockSizes"]!["cpu"] ?? 16;

    /// <summary>Multiplications and additions of an energy and its gradient by the input, two passes over the layers.</summary>
    public double FlopsPerChainStep(string model)
    {
        ModelDescriptor descriptor = Bundle(model);
        double macs = 0;
        foreach ((string name, long[] shape) in EnergyModelFactory.ParameterShapes(descriptor.Architecture.Spec(), descriptor.Input))
        {
            if (name.EndsWith(".weight", StringComparison.Ordinal))
                macs += shape.Aggregate(1.0, (product, size) => product * size) * Positions(descriptor, name);
        }
        return 2 * 2 * macs;
    }

    /// <summary>How many places of its output a layer's weights are applied at.</summary>
    private static double Positions(ModelDescriptor descriptor, string weight)
    {
        if (descriptor.Architecture.Spec() is not ConvJemSpec jem || !weight.StartsWith("layers.", StringComparison.Ordinal))
            return 1;
        int index = int.Parse(weight.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture);
        int Side(int side) => jem.Layers.Take(index + 1).Aggregate(side, (size, layer) => (size + 2 * layer.Padding - layer.Kernel) / layer.Stride + 1);
        return (double)Side(descriptor.Input.Shape[1]) * Side(descriptor.Input.Shape[2]);
    }

    private void WriteNetwork(string name, IReadOnlyList<ConvolutionLayer> layers, int side)
    {
        ModelDescriptor descriptor = Bundle(Bundled) with
        {
            Name = name,
            Title = name,
            Architecture = new ConvJemSpec(layers, 10),
            Input = new InputSchema(InputKind.Image, [1, side, side], -1, 1),
        };
        Write(descriptor);
    }

    /// <summary>A model of random weights, or of that module.</summary>
    public void Write(ModelDescriptor descriptor, byte[]? module = null)
    {
        string folder = Directory.CreateDirectory(Path.Combine(Folder, descriptor.Name)).FullName;
        File.WriteAllBytes(Path.Combine(folder, "model.json"), JsonSerializer.SerializeToUtf8Bytes(descriptor, EbmJson.Indented));
        ModelVersionWriter.Write(folder, Version, new ModelVersionContent { Weights = Weights(descriptor), Module = module });
    }

    /// <summary>Uniform in +-1/sqrt(fan-in), biases zero.</summary>
    private static Dictionary<string, SafetensorsTensor> Weights(ModelDescriptor descriptor)
    {
        var random = new Random(20261124);
        var weights = new Dictionary<string, SafetensorsTensor>();
        foreach ((string name, long[] shape) in EnergyModelFactory.ParameterShapes(descriptor.Architecture.Spec(), descriptor.Input))
        {
            double bound = shape.Length == 1 ? 0 : 1 / Math.Sqrt(shape.Skip(1).Aggregate(1L, (product, size) => product * size));
            var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
            foreach (ref float value in values.AsSpan())
                value = (float)((2 * random.NextDouble() - 1) * bound);
            weights[name] = SafetensorsTensor.FromFloats(values, shape);
        }
        return weights;
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
