using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Training;
using EbmService.Inference.Formats;

namespace EbmService.Inference.Training;

/// <summary>A run's whole state as one safetensors file.</summary>
/// <param name="Iteration">Iterations done.</param>
/// <param name="Elapsed">Training time so far.</param>
/// <param name="Fingerprint">See <see cref="TrainingFingerprint"/>; empty in files of older versions.</param>
internal sealed record TrainingSnapshot(int Iteration, TimeSpan Elapsed, string Fingerprint, SafetensorsFile File)
{
    private const string IterationKey = "iteration";
    private const string SecondsKey = "seconds";
    private const string FingerprintKey = "fingerprint";

    public static Dictionary<string, string> MetadataOf(TrainingRun run, string fingerprint) => new()
    {
        [IterationKey] = run.State.Iteration.ToString(CultureInfo.InvariantCulture),
        [SecondsKey] = run.State.Elapsed.TotalSeconds.ToString("R", CultureInfo.InvariantCulture),
        [FingerprintKey] = fingerprint,
    };

    /// <exception cref="InvalidCheckpointException">It is no training checkpoint.</exception>
    public static TrainingSnapshot Of(SafetensorsFile file)
    {
        if (!int.TryParse(file.Metadata.GetValueOrDefault(IterationKey), CultureInfo.InvariantCulture, out int iteration)
            || !double.TryParse(file.Metadata.GetValueOrDefault(SecondsKey), CultureInfo.InvariantCulture, out double seconds))
            throw new InvalidCheckpointException("not a training checkpoint: the iteration is missing");
        return new TrainingSnapshot(iteration, TimeSpan.FromSeconds(seconds), file.Metadata.GetValueOrDefault(FingerprintKey, ""), file);
    }

    /// <summary>Brings the run to this state, when it is of that run or too old to say.</summary>
    /// <exception cref="InvalidCheckpointException">It is of another run.</exception>
    public void Restore(TrainingRun run, string fingerprint)
    {
        if (Fingerprint.Length > 0 && Fingerprint != fingerprint)
            throw new InvalidCheckpointException("it is of a run with another recipe, model or data: --restart starts over");
        run.Restore(File, Iteration);
        run.State.Elapsed = Elapsed;
    }
}

/// <summary>What a checkpoint belongs to: a digest of all that fixes the numbers of a run.</summary>
internal static class TrainingFingerprint
{
    // Part of the digest: a checkpoint of before a change of the objective is not gone on with under another one.
    private const string Objective = "negatives with the batch's labels";

    /// <summary>Lower-case hex. Leaves out what only says how long a run is, when it stops and when it writes.</summary>
    public static string Of(TrainingRecipe recipe, ModelDescriptor model, string dataName, int rows)
    {
        TrainingRecipe plain = recipe with { Iterations = 0, EnergyBound = 0, CheckpointEvery = 0, PictureEvery = 0, ValidateEvery = 0 };
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(
            new { Recipe = plain, model.Architecture, model.Input, model.Labels, Data = dataName, Rows = rows, Objective },
            EbmJson.Options);
        return Convert.ToHexStringLower(SHA256.HashData(json));
    }
}
