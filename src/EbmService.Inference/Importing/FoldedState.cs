using System.Text.RegularExpressions;
using EbmService.Inference.Formats;
using EbmService.Inference.Formats.Checkpoints;

namespace EbmService.Inference.Importing;

/// <summary>One parameter of a state dict, folded or as it is, not read yet.</summary>
/// <param name="Shape">Its sizes.</param>
/// <param name="Read">Reads and folds.</param>
internal sealed record FoldedTensor(IReadOnlyList<long> Shape, Func<SafetensorsTensor> Read);

/// <summary>
/// A state dict under the names of its source, made plain: without the prefix of a data-parallel module, spectral norms folded into
/// <c>weight</c>, batch norms
/// with frozen statistics into <c>scale</c> and <c>shift</c>.
/// </summary>
internal sealed partial class FoldedState
{
    /// <summary>PyTorch's default, which no state dict holds.</summary>
    private const double BatchNormEpsilon = 1e-5;

    private const string ParallelPrefix = "module.";

    private readonly Dictionary<string, CheckpointTensor> _left;
    private readonly Dictionary<string, FoldedTensor> _tensors = new(StringComparer.Ordinal);
    private readonly List<string> _folded = [];

    public FoldedState(IReadOnlyDictionary<string, CheckpointTensor> state, CheckpointSource source)
    {
        bool parallel = state.Count > 0 && state.Keys.All(name => name.StartsWith(ParallelPrefix, StringComparison.Ordinal));
        _left = state.ToDictionary(pair => Plain(parallel ? pair.Key[ParallelPrefix.Length..] : pair.Key), pair =>
            pair.Value, StringComparer.Ordinal);
        foreach (string name in _left.Keys.Where(name => name.EndsWith("weight_orig", StringComparison.Ordinal)).ToList())
            FoldSpectralNorm(name[..^"weight_orig".Length], source);
        foreach (string name in _left.Keys.Where(name => name.EndsWith("running_mean", StringComparison.Ordinal)).ToList())
            FoldBatchNorm(name[..^"running_mean".Length]);
        foreach ((string name, CheckpointTensor tensor) in _left)
            _tensors[name] = new FoldedTensor(tensor.Shape, tensor.Read);
    }

    public IReadOnlyDictionary<string, FoldedTensor> Tensors => _tensors;

    /// <value>What was folded, for the report: prefix and kind.</value>
    public IReadOnlyList<string> Folded => _folded;

    private void FoldSpectralNorm(string prefix, CheckpointSource source)
    {
        CheckpointTensor weight = Take(prefix + "weight_orig")!;
        CheckpointTensor u = Take(prefix + "weight_u")
            ?? throw new InvalidCheckpointException($"'{prefix}weight_orig' has a spectral norm, but '{prefix}weight_u' is missing");
        CheckpointTensor? v = Take(prefix + "weight_v");
        // A copy of the normed weight as of the last pass, in igebm-pytorch's checkpoints.
        Take(prefix + "weight");
        bool bounded = source.HasBoundedNorm(prefix);
        _tensors[prefix + "weight"] = new FoldedTensor(
            weight.Shape, () => SpectralNorm.Fold(weight.Read(), u.Read().ToFloats(), v?.Read().ToFloats(), bounded));
        _folded.Add($"{prefix}weight (spectral norm{(bounded ? ", bounded" : "")})");
    }

    private void FoldBatchNorm(string prefix)
    {
        CheckpointTensor mean = Take(prefix + "running_mean")!;
        CheckpointTensor variance = Take(prefix + "running_var")
            ?? throw new InvalidCheckpointException($"'{prefix}running_mean' is there, but '{prefix}running_var' is missing");
        CheckpointTensor? weight = Take(prefix + "weight"), bias = Take(prefix + "bias");
        Take(prefix + "num_batches_tracked");
        foreach (CheckpointTensor? each in (CheckpointTensor?[])[variance, weight, bias])
        {
            if (each is not null && !each.Shape.SequenceEqual(mean.Shape))
                throw new InvalidCheckpointException($"the batch norm '{prefix.TrimEnd('.')}' has tensors of different shapes");
        }
        _tensors[prefix + "scale"] = new FoldedTensor(mean.Shape, () => Floats(Scales(variance, weight), mean.Shape));
        _tensors[prefix + "shift"] = new FoldedTensor(mean.Shape, () => Floats(
            Scales(variance, weight).Zip(mean.Read().ToFloats(), (scale, center) => -scale * center)
                .Zip(bias?.Read().ToFloats() ?? new float[mean.Shape[0]], (shift, each) => shift + each), mean.Shape));
        _folded.Add($"{prefix.TrimEnd('.')} (batch norm with frozen statistics)");
    }

    private static IEnumerable<double> Scales(CheckpointTensor variance, CheckpointTensor? weight)
    {
        float[]? weights = weight?.Read().ToFloats();
        return variance.Read().ToFloats().Select((each, i) => (weights?[i] ?? 1) / Math.Sqrt(each + BatchNormEpsilon));
    }

    private static SafetensorsTensor Floats(IEnumerable<double> values, IReadOnlyList<long> shape) =>
        SafetensorsTensor.FromFloats([.. values.Select(value => (float)value)], shape);

    private CheckpointTensor? Take(string name) => _left.Remove(name, out CheckpointTensor? tensor) ? tensor : null;

    /// <summary>The names of PyTorch's newer parametrizations, as the older spectral norm has them.</summary>
    private static string Plain(string name) => Parametrized().Replace(name, match => match.Groups[1].Value switch
    {
        "original" => "weight_orig",
        "0._u" => "weight_u",
        _ => "weight_v",
    });

    [GeneratedRegex(@"parametrizations\.weight\.(original|0\._u|0\._v)$", RegexOptions.CultureInvariant)]
    private static partial Regex Parametrized();
}
