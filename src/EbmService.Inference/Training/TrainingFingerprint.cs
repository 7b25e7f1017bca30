using System.Security.Cryptography;
using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;

namespace EbmService.Inference.Training;

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
            new { Recipe = plain, model.Architecture, model.Input, model.Labels, Data = dataName, Rows = rows, Objective }, EbmJson.Options);
        return Convert.ToHexStringLower(SHA256.HashData(json));
    }
}
