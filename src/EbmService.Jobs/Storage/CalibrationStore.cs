using System.Text.Json;
using EbmService.Core.Calibration;
using EbmService.Core.Files;
using EbmService.Core.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Calibrations on the disk: <c>{DataPath}/calibrations/{model}/{name}@{version}.json</c> says what one is, a <c>.safetensors</c> beside it holds it and is
/// written first, so that a killed process leaves at most a file that nothing names.
/// </summary>
internal sealed class CalibrationStore(IOptions<StorageOptions> storage, TimeProvider clock, ILogger<CalibrationStore> log) : ICalibrations
{
    private readonly Lock _lock = new();
    private readonly string _root = Path.Combine(Path.GetFullPath(storage.Value.DataPath), "calibrations");
    private readonly Dictionary<string, List<CalibrationEntry>> _known = [];

    public IReadOnlyList<CalibrationEntry> List(string model)
    {
        lock (_lock)
            return [.. Known(model).OrderBy(entry => entry.Name, StringComparer.Ordinal).ThenByDescending(entry => entry.Version)];
    }

    public CalibrationEntry? Add(CalibrationEntry entry, ReadOnlySpan<byte> content)
    {
        lock (_lock)
        {
            List<CalibrationEntry> known = Known(entry.Model.Name);
            // A process that died after this does it again.
            if (known.Find(other => other.Job == entry.Job && other.Name == entry.Name) is { } present)
                return present;
            CalibrationEntry kept = entry with
            {
                Version = known.Where(other => other.Name == entry.Name).Select(other => other.Version).DefaultIfEmpty(0).Max() + 1,
                Id = "sha256:" + JobDisk.Hash(content),
                CreatedAt = clock.GetUtcNow(),
            };
            string path = PathOf(kept);
            DurableFiles.CreateFolder(DurableFiles.FolderOf(path));
            DurableFiles.Replace(path + ".safetensors", content);
            DurableFiles.Replace(path + ".json", JsonSerializer.SerializeToUtf8Bytes(kept, EbmJson.Indented));
            known.Add(kept);
            return kept;
        }
    }

    public byte[]? Read(CalibrationEntry entry)
    {
        try
        {
            byte[] content = File.ReadAllBytes(PathOf(entry) + ".safetensors");
            return "sha256:" + JobDisk.Hash(content) == entry.Id ? content : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.CalibrationUnreadable(e, entry.Reference);
            return null;
        }
    }

    private List<CalibrationEntry> Known(string model)
    {
        if (_known.TryGetValue(model, out List<CalibrationEntry>? known))
            return known;
        known = [];
        string folder = Path.Combine(_root, model);
        foreach (string path in Directory.Exists(folder) ? Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal).ToArray() : [])
        {
            try
            {
                known.Add(JsonSerializer.Deserialize<CalibrationEntry>(File.ReadAllBytes(path), EbmJson.Options)!);
            }
            catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
            {
                log.CalibrationUnreadable(e, Path.GetFileName(path));
            }
        }
        return _known[model] = known;
    }

    /// <summary>Without its ending. Names of models and calibrations are checked where they come in: neither leads out of the folder.</summary>
    private string PathOf(CalibrationEntry entry) => Path.Combine(_root, entry.Model.Name, entry.Reference);
}

internal static partial class CalibrationLog
{
    [LoggerMessage(2090, LogLevel.Warning, "The calibration {Name} can't be read.")]
    public static partial void CalibrationUnreadable(this ILogger log, Exception e, string name);
}
