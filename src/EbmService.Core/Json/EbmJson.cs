using System.Collections;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace EbmService.Core.Json;

/// <summary>The one way this product writes and reads JSON: camelCase, enums as camelCase words, unknown members refused.</summary>
public static class EbmJson
{
    /// <value>Strict options for requests, descriptors and stored specs.</value>
    public static JsonSerializerOptions Options { get; } = Configure(new JsonSerializerOptions());

    /// <value>The same, indented, for files that people read.</value>
    public static JsonSerializerOptions Indented { get; } = Configure(new JsonSerializerOptions
    {
        WriteIndented = true,
        // Files, never HTML: a plus sign stays a plus sign.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>Applies the conventions to options owned by a framework (ASP.NET, SignalR).</summary>
    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow;
        options.AllowOutOfOrderMetadataProperties = true;
        options.AllowDuplicateProperties = false;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.MaxDepth = 64;
        options.TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { RefuseNullItems } };
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
        return options;
    }

    /// <summary>Lists of objects hold objects: what <see cref="JsonSerializerOptions.RespectNullableAnnotations"/> does for members, which is blind to items.</summary>
    private static void RefuseNullItems(JsonTypeInfo type)
    {
        foreach (JsonPropertyInfo property in type.Properties)
        {
            Type list = property.PropertyType;
            if (property.Set is not { } set || !list.IsGenericType || list.GetGenericTypeDefinition() != typeof(IReadOnlyList<>) || list.GetGenericArguments()[0].IsValueType)
                continue;
            property.Set = (target, value) =>
            {
                if (value is IEnumerable items && items.Cast<object?>().Any(item => item is null))
                    throw new ElementJsonException("", "An item of the list is null: leave it out.");
                set(target, value);
            };
        }
    }
}
