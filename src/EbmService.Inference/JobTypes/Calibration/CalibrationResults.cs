using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using EbmService.Core.Calibration;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Tensors;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;

namespace EbmService.Inference.JobTypes.Calibration;

/// <summary>Makes a calibration's files, and keeps it under its name.</summary>
internal sealed class CalibrationResults(JobDefinition job, IReadOnlyList<BlockResult> blocks, ICalibrations store)
{
    private const string Json = "application/json";

    private readonly CalibrationSpec _spec = (CalibrationSpec)job.Spec;

    public Failure? Write(string stopped, DeviceInfo device, IResultWriter files)
    {
        byte[] content = blocks.Count == 0 ? [] : blocks[0].Read().ToArray();
        CalibrationContent? made = content.Length == 0 ? null : ContentOf(content);
        CalibrationSplit split = CalibrationSplit.Draw(_spec.Data.Count, _spec.Seed);
        string[] names = [.. (made?.Scores.Keys ?? []).Order(StringComparer.Ordinal)];
        var card = new CalibrationCard
        {
            Models = job.Models, Spec = _spec, Device = device.Kind, Runtime = device.Runtime, Software = ServiceSoftware.Text,
            FitRows = split.Fit.Length, ReferenceRows = split.Reference.Length, CalibrationRows = split.Calibration.Length,
            Complete = made is not null, Stopped = stopped, Scores = names, Guarantee = ConformalGuarantee.All(split.Calibration.Length),
            Temperature = made?.Temperature, Classification = made?.Classification,
        };
        // The scores that p-values compare with, a row for each name of the card's.
        files.Write("scores.npy", NpyFormat.MediaType, stream =>
        {
            stream.Write(NpyFormat.Write(new TensorPayload([names.Length, names.Length == 0 ? 0 : split.Calibration.Length], [])));
            foreach (string name in names)
                stream.Write(MemoryMarshal.AsBytes(made!.Scores[name].AsSpan()));
        });
        byte[] file = made is null ? SafetensorsFile.Write(new Dictionary<string, SafetensorsTensor>()) : content;
        files.Write("calibration.safetensors", "application/octet-stream", stream => stream.Write(file));
        Failure? failed = null;
        if (made is not null)
            (card, failed) = Keep(card, content, names);
        files.Write("calibration.md", "text/markdown", stream => stream.Write(Encoding.UTF8.GetBytes(CalibrationText.Of(card))));
        files.Write("card.json", Json, stream => JsonSerializer.Serialize(stream, card, EbmJson.Indented));
        return failed;
    }

    /// <summary>Null of a block that was left before its end.</summary>
    private static CalibrationContent? ContentOf(byte[] content)
    {
        SafetensorsFile file = SafetensorsFile.Read(content);
        return file.Tensors.ContainsKey("step") ? null : CalibrationContent.Read(file);
    }

    private (CalibrationCard Card, Failure? Failed) Keep(CalibrationCard card, byte[] content, string[] names)
    {
        try
        {
            CalibrationEntry? kept = store.Add(new CalibrationEntry
            {
                Name = _spec.Name, Model = job.Model, Score = _spec.Score, Scores = names, FitRows = card.FitRows, ReferenceRows = card.ReferenceRows,
                CalibrationRows = card.CalibrationRows, SmallestPValue = 1.0 / (card.CalibrationRows + 1), Dataset = _spec.Data.Dataset,
                Sha256 = _spec.Data.Sha256, Job = job.Id, Tenant = job.Tenant,
                MakesDefault = _spec.MakeDefault,
            }, content);
            // Not its version: equal jobs have equal cards, and each makes the next version.
            return (card with { CalibrationId = kept?.Id }, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (card, new Failure(FailureCode.StorageFailed, "The calibration can't be kept.", "Its file is among the job's results."));
        }
    }
}

/// <summary>The file card.json. Holds no clock times, so equal runs give equal cards.</summary>
internal sealed record CalibrationCard
{
    public const string Scope =
        "On a CPU, the same rows, model digest and spec give the same bits on the same kind of processor with the same runtime, whatever else runs beside it, "
        + "after a pause or a killed process. A cancelled calibration is kept nowhere. On CUDA none of this is tested.";

    public required IReadOnlyList<JobModel> Models { get; init; }

    public required CalibrationSpec Spec { get; init; }

    public required string Device { get; init; }

    public required string Runtime { get; init; }

    public required string Software { get; init; }

    /// <value>Of the kept file; null where it is not kept. GET /v1/models/{model}/calibrations says which version of its name it is.</value>
    public string? CalibrationId { get; init; }

    public required int FitRows { get; init; }

    public required int ReferenceRows { get; init; }

    public required int CalibrationRows { get; init; }

    /// <value>The rows of scores.npy.</value>
    public required IReadOnlyList<string> Scores { get; init; }

    /// <value>What a verdict at some alphas promises.</value>
    public required IReadOnlyList<ConformalGuarantee> Guarantee { get; init; }

    /// <value>Divides the logits; fitted on the reference rows where they have labels.</value>
    public float? Temperature { get; init; }

    /// <value>On the rows that the scores are calibrated on.</value>
    public TemperatureReport? Classification { get; init; }

    public required bool Complete { get; init; }

    public required string Stopped { get; init; }

    public string Determinism { get; } = Scope;
}
