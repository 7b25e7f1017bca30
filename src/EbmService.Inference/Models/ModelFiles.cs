namespace EbmService.Inference.Models;

/// <summary>The names of the repository's files and of the tensors in them.</summary>
public static class ModelFiles
{
    public const string Descriptor = "model.json";
    public const string Manifest = "version.json";
    public const string Weights = "weights.safetensors";
    public const string Buffer = "buffer.safetensors";
    public const string Calibration = "calibration.safetensors";

    /// <summary>The replay buffer's chains, (n, ...input).</summary>
    public const string BufferStates = "states";

    /// <summary>The class of each chain, I64 (n); optional.</summary>
    public const string BufferLabels = "labels";

    /// <summary>Before each score's name: the calibration data's scores, F32 (n); of a fitted score the rows that it was not fitted on.</summary>
    public const string ScorePrefix = "score.";

    /// <summary>What typicality is centred on, F32 (1): the mean log-density of the rows that it was fitted on.</summary>
    public const string TypicalityMean = "typicality.mean";
}
