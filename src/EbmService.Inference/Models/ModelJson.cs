using System.Text.Json;
using EbmService.Core.Json;

namespace EbmService.Inference.Models;

/// <summary>Reads the JSON files of the repository strictly; what is wrong becomes a reason.</summary>
internal static class ModelJson
{
    internal static T Parse<T>(byte[] json, string fileName)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, EbmJson.Options)
                ?? throw new InvalidModelException($"{fileName} holds null");
        }
        catch (JsonException e)
        {
            throw new InvalidModelException($"{fileName} is not valid: {e.Message}", e);
        }
    }
}
