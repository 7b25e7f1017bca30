using System.Text.Json.Nodes;
using EbmService.Inference.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Benchmarks.Plain;

/// <summary>The bundled network and its sampler as one writes them in a notebook: one batch, autograd, libtorch's default threads.</summary>
internal sealed class PlainNetwork
{
    private readonly (Tensor Weight, Tensor Bias, long Stride, long Padding)[] _layers;
    private readonly Tensor _headWeight;
    private readonly Tensor _headBias;
    private readonly double _stepSize, _noise, _limit;

    /// <param name="versionFolder">A version of the model, with <c>model.json</c> in the folder above.</param>
    public PlainNetwork(string versionFolder)
    {
        JsonObject model = JsonNode.Parse(File.ReadAllText(Path.Combine(versionFolder, "..", "model.json")))!.AsObject();
        SafetensorsFile weights = SafetensorsFile.ReadFile(Path.Combine(versionFolder, "weights.safetensors"));
        _layers =
        [
            .. model["architecture"]!["layers"]!.AsArray().Select((layer, i) => (
                Load(weights, $"layers.{i}.weight"), Load(weights, $"layers.{i}.bias"),
                (long?)layer!["stride"] ?? 1, (long?)layer["padding"] ?? 1)),
        ];
        (_headWeight, _headBias) = (Load(weights, "head.weight"), Load(weights, "head.bias"));
        JsonNode recipe = model["recipes"]![(string)model["defaultRecipe"]!]!;
        (_stepSize, _noise) = ((double)recipe["stepSize"]!, (double)recipe["noise"]!);
        _limit = (double)recipe["gradientClip"]!["limit"]!;
    }

    public Tensor Energy(Tensor x)
    {
        foreach ((Tensor weight, Tensor bias, long stride, long padding) in _layers)
            x = F.silu(F.conv2d(x, weight, bias, [stride, stride], [padding, padding]));
        return F.linear(x.flatten(1), _headWeight, _headBias).logsumexp(1).neg();
    }

    /// <summary>The model's default recipe: gradient first, clipped by value, clamped to [-1, 1].</summary>
    public void Sample(int chains, int steps)
    {
        using DisposeScope all = NewDisposeScope();
        Tensor x = rand(chains, 1, 28, 28) * 2 - 1;
        for (int step = 0; step < steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor input = x.detach().requires_grad_(true);
            Tensor gradient = autograd.grad([Energy(input).sum()], [input])[0];
            Tensor next = input.detach() - _stepSize * gradient.clamp(-_limit, _limit) + _noise * randn_like(x);
            Tensor clamped = next.clamp(-1, 1).MoveToOuterDisposeScope();
            x.Dispose();
            x = clamped;
        }
    }

    private static Tensor Load(SafetensorsFile file, string name) =>
        tensor(file[name].ToFloats()).reshape([.. file[name].Shape]);
}
