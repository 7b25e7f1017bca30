using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Json;
using EbmService.Core.Sampling;

namespace EbmService.Cli.Running;

/// <summary>Reads a job's request: the API's <c>spec</c>, or any object with one, such as card.json or the body of POST /v1/jobs.</summary>
internal static class SpecFile
{
    private const string Member = "spec";

    public static SamplingRequest Read(string path)
    {
        string name = Path.GetFileName(path);
        var request = (SamplingRequest)Read(Parse(File.ReadAllText(path), name), typeof(SamplingRequest), name);
        // A card's chains without labels show none, which asked for again must mean the same.
        return request.Labels is { Count: 0 } ? request with { Labels = null } : request;
    }

    /// <param name="name">What messages call it.</param>
    public static JsonObject Parse(string json, string name)
    {
        try
        {
            JsonNode? root = JsonNode.Parse(json, documentOptions: new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            return root switch
            {
                JsonObject { } whole when whole[Member] is JsonObject inner => (JsonObject)inner.DeepClone(),
                JsonObject whole => whole,
                _ => throw CliException.BadInput($"{name} holds no JSON object: it takes the members of the API's spec, such as {{\"steps\": 100}}"),
            };
        }
        catch (JsonException exception)
        {
            throw CliException.BadInput($"{name}: {Explain(exception)}", exception);
        }
    }

    public static object Read(JsonObject members, Type request, string name)
    {
        try
        {
            return members.Deserialize(request, EbmJson.Options)!;
        }
        catch (JsonException exception)
        {
            throw CliException.BadInput($"{name}: {Explain(exception)}", exception);
        }
    }

    private static string Explain(JsonException exception)
    {
        string member = exception.Path is null or "$" ? "" : exception.Path.Replace("$.", "", StringComparison.Ordinal);
        string message = exception.Message.Split(" Path: ")[0].Split(" LineNumber: ")[0];
        if (message.Contains("could not be mapped", StringComparison.Ordinal))
            return $"there is no member '{message.Split('\'')[1]}'{(member.Contains('.', StringComparison.Ordinal) ? $" in '{member[..member.LastIndexOf('.')]}'" : "")}: check its spelling";
        if (!message.Contains("could not be converted", StringComparison.Ordinal))
            return $"{(member.Length > 0 ? $"'{member}': " : $"line {exception.LineNumber + 1}: ")}{message}";
        string clr = message.Split(" to ")[^1];
        Type? words = typeof(SamplingRequest).Assembly.GetTypes().FirstOrDefault(type => type.IsEnum && clr.Contains(type.FullName!, StringComparison.Ordinal));
        return words is null
            ? $"'{member}' has a value of the wrong kind"
            : $"'{member}' must be one of {string.Join(", ", Enum.GetNames(words).Select(JsonNamingPolicy.CamelCase.ConvertName))}";
    }
}
