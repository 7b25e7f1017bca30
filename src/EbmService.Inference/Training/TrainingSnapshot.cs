using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Formats;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>A run's whole state as one safetensors file.</summary>
/// <param name="Iteration">Iterations done.</param>
/// <param name="Elapsed">Training time so far.</param>
/// <param name="Tensors">Parameters, moments, averages, buffer and generator states by name.</param>
internal sealed record TrainingSnapshot(int Iteration, TimeSpan Elapsed, IReadOnlyDictionary<string, Tensor> Tensors)
{
    private const string IterationKey = "iteration";
    private const string SecondsKey = "seconds";
    private const string FingerprintKey = "fingerprint";

    /// <value>See <see cref="TrainingFingerprint"/>; empty in files of older versions.</value>
    public string Fingerprint { get; init; } = "";

    public static void Write(string path, TrainingSnapshot checkpoint) => SafetensorsFile.WriteFile(
        path,
        checkpoint.Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.ToSafetensors()),
        new Dictionary<string, string>
        {
            [IterationKey] = checkpoint.Iteration.ToString(CultureInfo.InvariantCulture),
            [SecondsKey] = checkpoint.Elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture),
            [FingerprintKey] = checkpoint.Fingerprint,
        });

    /// <exception cref="InvalidCheckpointException">The file is damaged or no training checkpoint.</exception>
    public static TrainingSnapshot Read(string path)
    {
        SafetensorsFile file = SafetensorsFile.ReadFile(path);
        if (!int.TryParse(file.Metadata.GetValueOrDefault(IterationKey), CultureInfo.InvariantCulture, out int iteration)
            || !double.TryParse(file.Metadata.GetValueOrDefault(SecondsKey), CultureInfo.InvariantCulture, out double seconds))
            throw new InvalidCheckpointException("not a training checkpoint: the iteration is missing");
        return new TrainingSnapshot(
            iteration, TimeSpan.FromSeconds(seconds), file.Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.ToTensor()))
        {
            Fingerprint = file.Metadata.GetValueOrDefault(FingerprintKey, ""),
        };
    }

    /// <summary>This checkpoint, when it is of that run or too old to say.</summary>
    /// <exception cref="InvalidCheckpointException">It is of another run.</exception>
    public TrainingSnapshot OfRun(string fingerprint) => Fingerprint.Length == 0 || Fingerprint == fingerprint
        ? this
        : throw new InvalidCheckpointException("it is of a run with another recipe, model or data: --restart starts over");

    /// <summary>The tensor of that name and shape.</summary>
    public Tensor Tensor(string name, long[] shape) =>
        Tensors.TryGetValue(name, out Tensor? tensor) && tensor.shape.SequenceEqual(shape)
            ? tensor
            : throw new InvalidCheckpointException($"the checkpoint's '{name}' is missing or has another shape: was the recipe changed?");
}

/// <summary>What a checkpoint belongs to: a digest of all that fixes the numbers of a run.</summary>
internal static class TrainingFingerprint
{
    // Part of the digest: a checkpoint of before a change of the objective is not gone on with under another one.
    private const string Objective = "negatives with the batch's labels";

    /// <summary>Lower-case hex. Leaves out what only says how long a run is, when it stops and when it writes.</summary>
    public static string Of(TrainingRecipe recipe, ModelDescriptor model, string dataName, int rows)
    {
        TrainingRecipe plain = recipe with { Iterations = 0, EnergyBound = 0, CheckpointEvery = 0, PictureEvery = 0 };
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(
            new { Recipe = plain, model.Architecture, model.Input, model.Labels, Data = dataName, Rows = rows, Objective },
            EbmJson.Options);
        return Convert.ToHexStringLower(SHA256.HashData(json));
    }
}
