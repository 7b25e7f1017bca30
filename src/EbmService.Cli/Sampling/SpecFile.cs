using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Sampling;

namespace EbmService.Cli.Sampling;

/// <summary>Reads a sampling request from a file: the API's <c>spec</c>, or any object with one, such as card.json or the body of POST /v1/jobs.</summary>
internal static class SpecFile
{
    private const string Member = "spec";

    public static SamplingRequest Read(string path)
    {
        string name = Path.GetFileName(path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                throw CliException.BadInput($"{name} holds no JSON object: it takes the members of the API's spec, such as {{\"steps\": 100}}");
            if (root.TryGetProperty(Member, out JsonElement inner) && inner.ValueKind == JsonValueKind.Object)
                root = inner;
            SamplingRequest request = root.Deserialize<SamplingRequest>(EbmJson.Options)!;
            // A card's chains without labels show none, which asked for again must mean the same.
            return request.Labels is { Count: 0 } ? request with { Labels = null } : request;
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
