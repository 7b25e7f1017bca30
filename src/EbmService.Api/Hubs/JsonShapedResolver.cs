using System.Text.Json;
using EbmService.Core.Json;
using MessagePack;
using MessagePack.Formatters;

namespace EbmService.Api.Hubs;

/// <summary>
/// MessagePack maps with the names and words of the JSON contract: camelCase members, enums as words, times as ISO 8601
/// text. So one description of the messages holds for both protocols.
/// </summary>
internal sealed class JsonShapedResolver : IFormatterResolver
{
    internal static readonly JsonShapedResolver Instance = new();

    public IMessagePackFormatter<T>? GetFormatter<T>() => Cache<T>.Formatter;

    private static class Cache<T>
    {
        internal static readonly IMessagePackFormatter<T>? Formatter =
            typeof(T).Namespace?.StartsWith("EbmService.", StringComparison.Ordinal) == true ? new JsonShapedFormatter<T>() : null;
    }
}

internal sealed class JsonShapedFormatter<T> : IMessagePackFormatter<T>
{
    public void Serialize(ref MessagePackWriter writer, T value, MessagePackSerializerOptions options)
    {
        using var json = new StringReader(JsonSerializer.Serialize(value, EbmJson.Options));
        MessagePackSerializer.ConvertFromJson(json, ref writer, options);
    }

    public T Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        using var json = new StringWriter();
        MessagePackSerializer.ConvertToJson(ref reader, json, options);
        return JsonSerializer.Deserialize<T>(json.ToString(), EbmJson.Options)!;
    }
}
