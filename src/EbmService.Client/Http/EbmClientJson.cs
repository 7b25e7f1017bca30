using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Tensors;

namespace EbmService.Client;

/// <summary>
/// The service's JSON as a client of another version must read it: unknown members are skipped, members that an older service does not
/// send are null, and an enum's unknown word becomes a value that is not defined (<see cref="IsKnown"/>).
/// </summary>
public static class EbmClientJson
{
    /// <value>For reading answers and writing requests; members that are null are not sent.</value>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>Whether this version of the client knows the word that the service sent.</summary>
    public static bool IsKnown<T>(this T value)
        where T : struct, Enum => Enum.IsDefined(value);

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            AllowOutOfOrderMetadataProperties = true,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            MaxDepth = 64,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { LeaveOutWhatMayBeNull } },
        };
        options.Converters.Add(new JobResponseConverter());
        options.Converters.Add(new NestedNumbersConverter(nullIsNaN: true));
        options.Converters.Add(new LenientEnumConverter());
        return options;
    }

    private static void LeaveOutWhatMayBeNull(JsonTypeInfo type)
    {
        foreach (JsonPropertyInfo property in type.Properties)
            property.IsRequired &= !property.IsSetNullable;
    }
}

/// <summary>Reads the spec of a job by the job's type.</summary>
internal sealed class JobResponseConverter : JsonConverter<JobResponse>
{
    // Made when it is first needed: EbmClientJson makes this converter while it makes the options that these are a copy of.
    private static readonly Lazy<JsonSerializerOptions> s_inner = new(CreateInner);

    public override JobResponse? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        JobResponse? job = JsonSerializer.Deserialize<JobResponse>(ref reader, s_inner.Value);
        return job is { Spec: UnreadableSpec { Members: { } members } }
            ? job with { Spec = JobSpecTypes.Read(job.Type, members, s_inner.Value) }
            : job;
    }

    public override void Write(Utf8JsonWriter writer, JobResponse value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value, s_inner.Value);

    private static JsonSerializerOptions CreateInner()
    {
        var options = new JsonSerializerOptions(EbmClientJson.Options);
        options.Converters.Remove(options.Converters.Single(converter => converter is JobResponseConverter));
        options.Converters.Add(new RawSpecConverter());
        return options;
    }

    /// <summary>Keeps a spec as it came until the job's type is known.</summary>
    private sealed class RawSpecConverter : JsonConverter<JobSpec>
    {
        public override JobSpec Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new UnreadableSpec("") { Members = JsonElement.ParseValue(ref reader) };

        public override void Write(Utf8JsonWriter writer, JobSpec value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value, value.GetType(), options);
    }
}

/// <summary>Enums as camelCase words; a word that this version does not know becomes -1.</summary>
internal sealed class LenientEnumConverter : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsEnum;

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) => typeToConvert == typeof(TensorDtype)
        ? new WordConverter<TensorDtype>(JsonNamingPolicy.KebabCaseLower)
        : (JsonConverter)Activator.CreateInstance(typeof(WordConverter<>).MakeGenericType(typeToConvert), JsonNamingPolicy.CamelCase)!;

    private sealed class WordConverter<T> : JsonConverter<T>
        where T : struct, Enum
    {
        private readonly Dictionary<string, T> _values = new(StringComparer.Ordinal);
        private readonly Dictionary<T, string> _words = [];

        public WordConverter(JsonNamingPolicy naming)
        {
            foreach (T value in Enum.GetValues<T>())
            {
                string word = naming.ConvertName(value.ToString());
                _values[word] = value;
                _words[value] = word;
            }
        }

        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String
                ? _values.TryGetValue(reader.GetString()!, out T value) ? value : (T)Enum.ToObject(typeof(T), -1)
                : throw new JsonException("an enum is written as a word");

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(
            _words.TryGetValue(value, out string? word) ? word : throw new JsonException($"{value} is no word that this client knows"));

        public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            _values.TryGetValue(reader.GetString()!, out T value) ? value : (T)Enum.ToObject(typeof(T), -1);

        public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options) =>
            writer.WritePropertyName(_words[value]);
    }
}
