using System.Globalization;
using System.Text.Json;

namespace EbmService.Api.Inputs;

/// <summary>What a client has put at a JSON path, in words.</summary>
internal static class JsonValueAt
{
    /// <param name="json">The body.</param>
    /// <param name="path">For example <c>$.spec.labels[2]</c>.</param>
    /// <returns>For example <c>, not a number</c>; empty where the body is broken further on or the kind alone says nothing.</returns>
    internal static string Describe(ReadOnlySpan<byte> json, string? path)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            using JsonDocument body = JsonDocument.ParseValue(ref reader);
            return Find(body.RootElement, path ?? "$") is { } value ? Words(value) : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static JsonElement? Find(JsonElement value, string path)
    {
        foreach (string step in path.Split('.', '[').Skip(1))
        {
            bool isThere = step.EndsWith(']')
                ? value.ValueKind == JsonValueKind.Array && int.TryParse(step[..^1], CultureInfo.InvariantCulture, out int index) && index < value.GetArrayLength()
                : value.ValueKind == JsonValueKind.Object && value.TryGetProperty(step, out _);
            if (!isThere)
                return null;
            value = step.EndsWith(']') ? value[int.Parse(step[..^1], CultureInfo.InvariantCulture)] : value.GetProperty(step);
        }
        return value;
    }

    private static string Words(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => ", not null",
        JsonValueKind.True or JsonValueKind.False => $", not {value.GetRawText()}",
        JsonValueKind.Number => $", not the number {Short(value.GetRawText())}",
        JsonValueKind.String => $", not the text {Short(value.GetRawText())}",
        JsonValueKind.Array => ", not a list",
        JsonValueKind.Object => ", not a JSON object",
        _ => "",
    };

    private static string Short(string text) => text.Length <= 40 ? text : text[..40] + "...";
}
