using System.Collections;
using System.Reflection;
using System.Text.Json;
using EbmService.Core.Json;

namespace EbmService.Api.Inputs;

/// <summary>What may stand at a JSON path, in words for a client.</summary>
internal static class JsonMemberType
{
    /// <param name="root">The type of the body.</param>
    /// <param name="path">For example <c>$.spec.hmc.leapfrogSteps</c>.</param>
    internal static string Describe(Type root, string? path)
    {
        Type type = root;
        foreach (string step in (path ?? "$").Split('.', '[').Skip(1))
            type = (step.EndsWith(']') ? ElementOf(type) : MemberOf(type, step)) ?? typeof(object);
        return Words(type);
    }

    private static string Words(Type type) => type switch
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
        PropertyInfo? member = type.GetProperties().FirstOrDefault(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name) == name);
        return member is null ? null : Nullable.GetUnderlyingType(member.PropertyType) ?? member.PropertyType;
    }

    private static Type? ElementOf(Type type) =>
        type == typeof(string) || !type.IsAssignableTo(typeof(IEnumerable)) ? null
        : type.IsArray ? type.GetElementType()
        : type.GetGenericArguments().LastOrDefault();

    private static string? Word(object value) => JsonSerializer.SerializeToElement(value, EbmJson.Options).GetString();
}
