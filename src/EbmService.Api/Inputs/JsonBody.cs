using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using EbmService.Core.Failures;
using EbmService.Core.Json;

namespace EbmService.Api.Inputs;

/// <summary>Reads a JSON body; what is wrong with it is said in plain words, with the member's path.</summary>
internal static class JsonBody
{
    internal static Outcome<T> Deserialize<T>(ReadOnlySpan<byte> body)
        where T : class => Deserialize<T>(body, typeof(T));

    /// <summary>Reads a body as <paramref name="type"/>, which is a <typeparamref name="T"/>.</summary>
    internal static Outcome<T> Deserialize<T>(ReadOnlySpan<byte> body, Type type)
        where T : class
    {
        if (body.IsEmpty)
            return new Failure(FailureCode.InvalidRequest, "The body is empty.", "Send a JSON object; /swagger shows examples.");
        ReadOnlySpan<byte> json = body.StartsWith("\uFEFF"u8) ? body[3..] : body;
        if (UnicodeGuard.FaultOf(json) is { } fault)
            return fault;
        try
        {
            return JsonSerializer.Deserialize(json, type, EbmJson.Options) is T value
                ? value
                : new Failure(FailureCode.InvalidRequest, "The body is null.", "Send a JSON object; /swagger shows examples.");
        }
        catch (FailureException failed)
        {
            return failed.Failure;
        }
        catch (JsonException broken)
        {
            return JsonErrorTranslator.Translate(broken, type, json);
        }
    }
}

/// <summary>Turns System.Text.Json's messages, which speak of .NET types, into what a client can act on.</summary>
internal static partial class JsonErrorTranslator
{
    /// <param name="broken">What the serializer said.</param>
    /// <param name="root">The type it was to read.</param>
    /// <param name="json">What it read.</param>
    internal static Failure Translate(JsonException broken, Type root, ReadOnlySpan<byte> json)
    {
        string field = FieldOf(broken.Path);
        if (broken is ElementJsonException element)
            return OneField(field + element.Element, element.Message);
        if (UnmappedPattern().Match(broken.Message) is { Success: true } unmapped)
            return OneField(Join(field, unmapped.Groups[1].Value),
                $"There is no member '{unmapped.Groups[1].Value}' here: check its spelling, or leave it out.");
        if (DuplicatePattern().Match(broken.Message) is { Success: true } duplicate)
            return OneField(Join(field, duplicate.Groups[1].Value), "The member stands here twice: keep one.");
        if (MissingPattern().Match(broken.Message) is { Success: true } missing)
            return OneField(Join(field, missing.Groups[1].Value.Split("', '")[0]), "The member is missing: it has no default.");
        if (broken.Message.Contains("could not be converted to", StringComparison.Ordinal))
            return OneField(field, $"Must be {TypeAt(root, broken.Path)}{ValueAt(json, broken.Path)}{JsonPosition.Of(broken)}.");
        if (NullPattern().IsMatch(broken.Message))
            return OneField(field, $"Can't be null: it must be {TypeAt(root, broken.Path)}.");
        if (broken.Message.Contains("maximum configured depth", StringComparison.Ordinal))
            return OneField(field, "The JSON is nested more than 64 deep.");
        if (TruncatedPattern().IsMatch(broken.Message))
            return OneField(field, "The JSON ends too early: a bracket, brace or quote is not closed.");
        return OneField(field, $"This is not JSON{JsonPosition.Of(broken)}: {Plain(broken.Message)}");
    }

    /// <summary>For example <c>$.spec.labels[2]</c> becomes <c>spec.labels[2]</c>; the body itself is <c>body</c>.</summary>
    internal static string FieldOf(string? path) =>
        path is null or "$" ? "body" : path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : path.TrimStart('$');

    private static Failure OneField(string field, string message) => Failure.OfFields([new FieldError(field, message)]);

    private static string Join(string field, string member) =>
        field == "body" ? member
        : field == member || field.EndsWith("." + member, StringComparison.Ordinal) ? field
        : $"{field}.{member}";

    private static string Plain(string message)
    {
        string first = message.Split(" Path: ")[0].Split(" LineNumber: ")[0];
        return first + (first.Contains("invalid start of a value", StringComparison.Ordinal)
            ? " Values are numbers, text in double quotes, true, false, null, [...] or {...}; NaN and Infinity are not among them."
            : "");
    }

    /// <summary>What may stand at a JSON path, in words for a client.</summary>
    /// <param name="root">The type of the body.</param>
    /// <param name="path">For example <c>$.spec.hmc.leapfrogSteps</c>.</param>
    private static string TypeAt(Type root, string? path)
    {
        Type type = root;
        foreach (string step in (path ?? "$").Split('.', '[').Skip(1))
            type = (step.EndsWith(']') ? ElementOf(type) : MemberOf(type, step)) ?? typeof(object);
        return TypeWords(type);
    }

    private static string TypeWords(Type type) => type switch
    {
        _ when type.IsEnum => "one of: " + string.Join(", ", Enum.GetValues(type).Cast<object>().Select(Word)),
        _ when type == typeof(int) => "a whole number that fits 32 bits",
        _ when type == typeof(long) => "a whole number that fits 64 bits",
        _ when type == typeof(double) || type == typeof(float) => "a number",
        _ when type == typeof(string) => "text in double quotes",
        _ when type == typeof(bool) => "true or false",
        _ when ElementOf(type) is not null => "a list in square brackets",
        _ => "a JSON object",
    };

    private static Type? MemberOf(Type type, string name)
    {
        PropertyInfo? member = type.GetProperties()
            .FirstOrDefault(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name) == name);
        return member is null ? null : Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
    }

    private static Type? ElementOf(Type type) =>
        type == typeof(string) || !type.IsAssignableTo(typeof(IEnumerable)) ? null
        : type.IsArray ? type.GetElementType()
        : type.GetGenericArguments().LastOrDefault();

    private static string? Word(object value) => JsonSerializer.SerializeToElement(value, EbmJson.Options).GetString();

    /// <summary>What a client has put at a JSON path, in words.</summary>
    /// <param name="json">The body.</param>
    /// <param name="path">For example <c>$.spec.labels[2]</c>.</param>
    /// <returns>For example <c>, not a number</c>; empty where the body is broken further on or the kind alone says nothing.</returns>
    private static string ValueAt(ReadOnlySpan<byte> json, string? path)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            using JsonDocument body = JsonDocument.ParseValue(ref reader);
            return Find(body.RootElement, path ?? "$") is { } value ? ValueWords(value) : "";
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
                ? value.ValueKind == JsonValueKind.Array
                    && int.TryParse(step[..^1], CultureInfo.InvariantCulture, out int index) && index < value.GetArrayLength()
                : value.ValueKind == JsonValueKind.Object && value.TryGetProperty(step, out _);
            if (!isThere)
                return null;
            value = step.EndsWith(']') ? value[int.Parse(step[..^1], CultureInfo.InvariantCulture)] : value.GetProperty(step);
        }
        return value;
    }

    private static string ValueWords(JsonElement value) => value.ValueKind switch
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

    [GeneratedRegex("The JSON property '(.*?)' could not be mapped")]
    private static partial Regex UnmappedPattern();

    [GeneratedRegex("Duplicate property '(.*?)'")]
    private static partial Regex DuplicatePattern();

    [GeneratedRegex("missing required properties including: '(.*?)'\\.")]
    private static partial Regex MissingPattern();

    [GeneratedRegex("Expected depth to be zero|reached end of data")]
    private static partial Regex TruncatedPattern();

    [GeneratedRegex("doesn't allow (setting |getting )?null values")]
    private static partial Regex NullPattern();
}
