using System.Text.RegularExpressions;

namespace EbmService.Inference.Models;

/// <summary>The names of the repository's files and of the tensors in them.</summary>
public static class ModelFiles
{
    public const string Descriptor = "model.json";
    public const string Manifest = "version.json";
    public const string Weights = "weights.safetensors";

    /// <summary>The network itself in TorchScript, in place of weights.</summary>
    public const string Module = "model.pt";

    public const string Buffer = "buffer.safetensors";
    public const string Calibration = "calibration.safetensors";

    /// <summary>The replay buffer's chains, (n, ...input).</summary>
    public const string BufferStates = "states";

    /// <summary>The class of each chain, I64 (n); optional.</summary>
    public const string BufferLabels = "labels";

    /// <summary>
    /// Before each score's name: the calibration data's scores, F32 (n);
    /// of a fitted score the rows that it was not fitted on.
    /// </summary>
    public const string ScorePrefix = "score.";

    /// <summary>The logits' temperature, F32 (1); optional.</summary>
    public const string Temperature = "temperature";

    /// <summary>What typicality is centred on, F32 (1): the mean log-density of the rows that it was fitted on.</summary>
    public const string TypicalityMean = "typicality.mean";
}

/// <summary>What models, versions and their files may be called: safe in paths, URLs and logs.</summary>
public static partial class ModelNames
{
    public static bool IsValid(string? name) => name is not null && Rule().IsMatch(name);

    // \z: $ would let a trailing newline through.
    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Rule();
}

/// <summary>What a model may ask of a server, so that a descriptor alone can't exhaust it.</summary>
internal static class ModelLimits
{
    internal const long MaxParameters = 64L << 20;

    /// <summary>Numbers in one input.</summary>
    internal const long MaxInputLength = 4L << 20;

    /// <summary>Numbers in all layers together, for one input.</summary>
    internal const long MaxActivations = 64L << 20;

    internal const int MaxLayers = 256;

    internal const int MaxClasses = 65536;

    /// <summary>Side of the precision matrix of a Gaussian.</summary>
    internal const int MaxGaussianDimension = 1024;

    internal const long MaxDescriptorFile = 4 << 20;

    internal const long MaxFile = 1L << 30;
}

/// <summary>A model or version can't be served; the message is for an operator and holds no path.</summary>
public sealed class InvalidModelException(string message, Exception? inner = null) : Exception(message, inner);
