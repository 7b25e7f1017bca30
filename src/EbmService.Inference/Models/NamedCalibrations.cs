using System.Collections.Concurrent;
using EbmService.Core.Calibration;
using EbmService.Core.Failures;
using EbmService.Inference.Formats;
using EbmService.Inference.Ood;

namespace EbmService.Inference.Models;

/// <summary>Which calibration a request means: one that a job has made, or the one that came with the version. Thread-safe.</summary>
internal sealed class NamedCalibrations(ICalibrations store)
{
    /// <summary>Calibrations that are kept in memory: some megabytes each.</summary>
    private const int Kept = 8;

    private readonly ConcurrentDictionary<string, OodCalibration> _read = new(StringComparer.Ordinal);

    /// <param name="name">A name, name@version or <c>bundled</c>; null for the default.</param>
    /// <exception cref="FailureException">There is none of that name for this version, or its file is damaged.</exception>
    public OodCalibration? Find(LiveModel model, string? name)
    {
        if (name == CalibrationEntry.Bundled)
            return model.Calibration;
        if (store.Find(model.Hosted.Reference(), name) is not { } entry)
            return name is null ? model.Calibration : throw new FailureException(Failure.OfFields([new FieldError("calibration", Missing(model, name))]));
        return _read.TryGetValue(entry.Id, out OodCalibration? known) ? known : Read(entry);
    }

    /// <summary>The one that a job's spec names.</summary>
    /// <param name="id">What it had when the job was taken in.</param>
    /// <exception cref="FailureException">It is gone, damaged, or another one has its name now.</exception>
    public OodCalibration? FindPinned(LiveModel model, string name, string? id)
    {
        OodCalibration? calibration = Find(model, name);
        return calibration?.Id == id ? calibration : throw new FailureException(
            new Failure(FailureCode.ModelUnavailable, "The calibration was replaced since the job was taken in.", "Submit the job again."));
    }

    private OodCalibration Read(CalibrationEntry entry)
    {
        if (store.Read(entry) is not { } content)
        {
            throw new FailureException(new Failure(
                FailureCode.StorageFailed, $"The file of the calibration '{entry.Reference}' is missing or damaged.", "Make it again by a calibration job."));
        }
        OodCalibration calibration = CalibrationContent.Read(SafetensorsFile.Read(content)).ToCalibration(entry.Id)!;
        if (_read.Count >= Kept)
            _read.Clear();
        return _read[entry.Id] = calibration;
    }

    private string Missing(LiveModel model, string name)
    {
        string[] own = [.. store.List(model.Hosted.Key.Name).Where(entry => entry.Model.Digest == model.Hosted.Digest).Select(entry => entry.Name).Distinct()];
        string others = string.Join(", ", own.Append(CalibrationEntry.Bundled));
        return $"The version {model.Hosted.Key} has no calibration '{name}'. It has: {others}.";
    }
}
