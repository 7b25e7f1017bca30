using System.Text.Json.Serialization;
using EbmService.Core.Jobs;
using EbmService.Core.Models;

namespace EbmService.Core.Calibration;

/// <summary>A calibration that a job has made of a model version; immutable.</summary>
public sealed record CalibrationEntry
{
    /// <summary>What requests call the calibration that came with the version.</summary>
    public const string Bundled = "bundled";

    public required string Name { get; init; }

    /// <value>1 and up; a job of the same name makes the next one.</value>
    public int Version { get; init; }

    /// <value><c>sha256:</c> and 64 hex digits of the file; answers name it as calibrationId.</value>
    public string Id { get; init; } = "";

    /// <value>The version that it belongs to, by its digest; of no use to another one.</value>
    public required ModelReference Model { get; init; }

    /// <value>The score that is meant where a request names none.</value>
    public required string Score { get; init; }

    /// <value>Those that it has p-values of.</value>
    public required IReadOnlyList<string> Scores { get; init; }

    /// <value>Rows that it was fitted on, that what is combined refers to, and that p-values compare with; no row served twice.</value>
    public required int FitRows { get; init; }

    public required int ReferenceRows { get; init; }

    public required int CalibrationRows { get; init; }

    /// <value>1 / (calibration rows + 1): an alpha below it is refused.</value>
    public required double SmallestPValue { get; init; }

    /// <value>The uploaded dataset; null for rows from elsewhere.</value>
    public string? Dataset { get; init; }

    /// <value>Of the rows' file, 64 hex digits.</value>
    public required string Sha256 { get; init; }

    /// <value>The job that made it.</value>
    public required string Job { get; init; }

    /// <value>Whether it was made to be the version's default; the newest such one is.</value>
    public bool MakesDefault { get; init; }

    /// <value>Whose job made it. Other tenants see it only where it is made to be the default.</value>
    public string Tenant { get; init; } = JobSnapshot.DefaultTenant;

    public DateTimeOffset CreatedAt { get; init; }

    /// <value>What requests call it: its name alone means the newest version.</value>
    [JsonIgnore]
    public string Reference => $"{Name}@{Version}";
}

/// <summary>Calibrations that jobs have made; they survive the process. Thread-safe.</summary>
public interface ICalibrations
{
    /// <value>Of all versions of a model, by name, newest first.</value>
    IReadOnlyList<CalibrationEntry> List(string model);

    /// <summary>Keeps a calibration under its name as the next version. The same job again changes nothing.</summary>
    /// <param name="content">The file.</param>
    /// <returns>As it is kept; null where nothing is kept here.</returns>
    /// <exception cref="IOException">The disk can't be written.</exception>
    CalibrationEntry? Add(CalibrationEntry entry, ReadOnlySpan<byte> content);

    /// <summary>The file; null where it is gone or damaged.</summary>
    byte[]? Read(CalibrationEntry entry);

    /// <summary>The one that a request means.</summary>
    /// <param name="name">A name, or name@version; null for the version's default.</param>
    /// <returns>Null where there is none of that name, or no default but the bundled one.</returns>
    CalibrationEntry? Find(ModelReference model, string? name)
    {
        IEnumerable<CalibrationEntry> own = List(model.Name).Where(entry => entry.Model.Digest == model.Digest);
        return name is null
            ? own.Where(entry => entry.MakesDefault).OrderByDescending(entry => entry.CreatedAt).ThenByDescending(entry => entry.Version).FirstOrDefault()
            : own.FirstOrDefault(entry => entry.Name == name || entry.Reference == name);
    }
}

/// <summary>What one tenant sees of all calibrations: its own, and those that were made to be a version's default.</summary>
internal sealed class TenantCalibrations(ICalibrations all, string tenant) : ICalibrations
{
    public IReadOnlyList<CalibrationEntry> List(string model) =>
        [.. all.List(model).Where(entry => entry.Tenant == tenant || entry.MakesDefault).Select(Blank)];

    public CalibrationEntry? Add(CalibrationEntry entry, ReadOnlySpan<byte> content) => all.Add(entry with { Tenant = tenant }, content);

    public byte[]? Read(CalibrationEntry entry) => all.Read(entry);

    /// <summary>Who made a default, of which rows and by which job, is not for others.</summary>
    private CalibrationEntry Blank(CalibrationEntry entry) =>
        entry.Tenant == tenant ? entry : entry with { Tenant = "", Job = "", Dataset = null };
}

public static class CalibrationVisibility
{
    /// <summary>What a tenant sees.</summary>
    /// <param name="tenant">Null for a caller that sees all.</param>
    public static ICalibrations VisibleTo(this ICalibrations all, string? tenant) => tenant is null ? all : new TenantCalibrations(all, tenant);
}

/// <summary>Keeps none.</summary>
public sealed class NoCalibrations : ICalibrations
{
    public IReadOnlyList<CalibrationEntry> List(string model) => [];

    public CalibrationEntry? Add(CalibrationEntry entry, ReadOnlySpan<byte> content) => null;

    public byte[]? Read(CalibrationEntry entry) => null;
}
