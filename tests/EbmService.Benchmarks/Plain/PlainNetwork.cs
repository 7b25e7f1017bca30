using System.Text.Json.Nodes;
using EbmService.Inference.Formats;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Benchmarks.Plain;

/// <summary>A hosted network and its sampler as one writes them in a notebook: one batch, autograd, libtorch's default threads.</summary>
internal sealed class PlainNetwork
{
    private readonly (Tensor Weight, Tensor Bias, long Stride, long Padding)[] _convolutions;
    private readonly (Tensor Weight, Tensor Bias)[] _linear;
    private readonly long[] _input;
    private readonly double _stepSize, _noise, _min, _max;
    private readonly double? _limit;

    /// <param name="versionFolder">A version of the model, with <c>model.json</c> in the folder above.</param>
    public PlainNetwork(string versionFolder, ScalarType precision)
    {
        JsonObject model = JsonNode.Parse(File.ReadAllText(Path.Combine(versionFolder, "..", "model.json")))!.AsObject();
        SafetensorsFile file = SafetensorsFile.ReadFile(Path.Combine(versionFolder, "weights.safetensors"));
        (Tensor, Tensor) Pair(string name) => (Load(file, name + ".weight", precision), Load(file, name + ".bias", precision));
        JsonNode architecture = model["architecture"]!;
        JsonArray layers = architecture["layers"] as JsonArray ?? [];
        _convolutions = [.. layers.Select((layer, i) =>
        {
            (Tensor weight, Tensor bias) = Pair($"layers.{i}");
            return (weight, bias, (long?)layer!["stride"] ?? 1, (long?)layer["padding"] ?? 1);
        })];
        _linear = layers.Count > 0
            ? [Pair("head")]
            : [.. Enumerable.Range(0, architecture["hidden"]!.AsArray().Count + 1).Select(i => Pair($"layers.{i}"))];
        _input = [.. model["input"]!["shape"]!.AsArray().Select(size => (long)size!)];
        (_min, _max) = ((double)model["input"]!["min"]!, (double)model["input"]!["max"]!);
        JsonNode recipe = model["recipes"]![(string)model["defaultRecipe"]!]!;
        _stepSize = (double)recipe["stepSize"]!;
        _noise = (double?)recipe["noise"] ?? Math.Sqrt(2 * _stepSize * (double)recipe["temperature"]!);
        _limit = (double?)recipe["gradientClip"]?["limit"];
    }

    public Tensor Energy(Tensor x)
    {
        x = x.to(_linear[0].Weight.dtype);
        foreach ((Tensor weight, Tensor bias, long stride, long padding) in _convolutions)
            x = F.silu(F.conv2d(x, weight, bias, [stride, stride], [padding, padding]));
        x = x.flatten(1);
        foreach ((Tensor weight, Tensor bias) in _linear.AsSpan(0, _linear.Length - 1))
            x = F.silu(F.linear(x, weight, bias));
        x = F.linear(x, _linear[^1].Weight, _linear[^1].Bias).to(ScalarType.Float32);
        return _convolutions.Length > 0 ? x.logsumexp(1).neg() : x.squeeze(1);
    }

    public Tensor Start(int rows) => rand([rows, .. _input]) * (_max - _min) + _min;

    /// <summary>The model's default recipe at its first step size: gradient first, clipped by value where it says so, clamped.</summary>
    public void Sample(int chains, int steps)
    {
        using DisposeScope all = NewDisposeScope();
        Tensor x = Start(chains);
        for (int step = 0; step < steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor input = x.detach().requires_grad_(true);
            Tensor gradient = autograd.grad([Energy(input).sum()], [input])[0];
            if (_limit is { } limit)
                gradient = gradient.clamp(-limit, limit);
            Tensor next = input.detach() - _stepSize * gradient + _noise * randn_like(x);
            Tensor clamped = next.clamp(_min, _max).MoveToOuterDisposeScope();
            x.Dispose();
            x = clamped;
        }
    }

    private static Tensor Load(SafetensorsFile file, string name, ScalarType precision) =>
        tensor(file[name].ToFloats()).reshape([.. file[name].Shape]).to(precision);
}
