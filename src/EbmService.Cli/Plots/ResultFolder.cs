using System.Text.Json;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;

namespace EbmService.Cli.Plots;

/// <summary>One chain of trace.json; null where a number was not finite.</summary>
internal sealed record TraceChain(int Chain, double?[] Energy, double?[] GradientNorm);

/// <summary>What is drawn of trace.json.</summary>
internal sealed record TraceFile(
    double[] Steps, double[] EnergyMean, double[] EnergyStandardDeviation, double[] GradientNormMean, TraceChain[] Chains);

/// <summary>The files of one sampling result.</summary>
internal sealed class ResultFolder
{
    // Looser than requests: a later version's file may say more.
    private static readonly JsonSerializerOptions Lenient = new(JsonSerializerDefaults.Web);

    private ResultFolder(string folder, TraceFile trace, JsonElement? card) => (Folder, Trace, Card) = (folder, trace, card);

    public string Folder { get; }

    public string Name => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Folder)));

    public TraceFile Trace { get; }

    /// <value>Null where only the trace is there.</value>
    public JsonElement? Card { get; }

    public SamplingRequest? Spec => Card is null ? null : Running.SpecFile.Read(Path.Combine(Folder, "card.json"));

    public int Warmup => Card?.GetProperty("spec").GetProperty("warmup").GetInt32() ?? 0;

    public string Model => Card?.GetProperty("model").GetProperty("name").GetString() ?? Name;

    public string Kernel => Card?.GetProperty("spec").GetProperty("kernel").GetString() ?? "";

    public double? RHat => Number("rHat");

    public double? EssBulk => Number("essBulk");

    /// <param name="path">The folder or its trace.json.</param>
    public static ResultFolder Open(string path)
    {
        string folder = Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!;
        string trace = Directory.Exists(path) ? Path.Combine(path, "trace.json") : path;
        string card = Path.Combine(folder, "card.json");
        if (!File.Exists(trace))
            throw CliException.BadInput($"there is no trace.json in '{path}': give the folder of a sampling result");
        TraceFile read = Read<TraceFile>(trace);
        if (read is not { Steps: not null, EnergyMean: not null, EnergyStandardDeviation: not null,
            GradientNormMean: not null, Chains: not null })
            throw CliException.BadInput($"'{path}' is no trace of a sampling job");
        return new ResultFolder(folder, read, File.Exists(card) ? Read<JsonElement>(card) : null);
    }

    /// <returns>Null where there is no such file.</returns>
    public TensorPayload? ReadTensor(string name)
    {
        string path = Path.Combine(Folder, name);
        try
        {
            return File.Exists(path) ? NpyFormat.Read(File.ReadAllBytes(path)) : null;
        }
        catch (FormatException exception)
        {
            throw CliException.BadInput($"{name} can't be read: {exception.Message}", exception);
        }
    }

    private double? Number(string name) =>
        Card is { } card && card.GetProperty("diagnostics").TryGetProperty(name, out JsonElement value)
            && value.ValueKind == JsonValueKind.Number
            ? value.GetDouble() : null;

    private static T Read<T>(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(path), Lenient)!;
        }
        catch (JsonException exception)
        {
            throw CliException.BadInput($"{Path.GetFileName(path)} can't be read: {exception.Message}", exception);
        }
    }
}
