using System.Diagnostics.Metrics;
using EbmService.Core.Devices;
using EbmService.Core.Models;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Telemetry;

/// <summary>What the process has of the machine, and the models in it. Asked for only when metrics are read.</summary>
internal sealed class ResourceMetrics
{
    private readonly IComputeDevice _device;
    private readonly IModelCatalog _models;
    private readonly JobDisk _disk;
    private readonly JobFolders _folders;
    private readonly IOptions<JobLimitsOptions> _limits;

    public ResourceMetrics(
        IMeterFactory meters, IComputeDevice device, IModelCatalog models, JobDisk disk, JobFolders folders, IOptions<JobLimitsOptions> limits)
    {
        (_device, _models, _disk, _folders, _limits) = (device, models, disk, folders, limits);
        Meter meter = meters.Create(JobsTelemetry.MeterName);
        meter.CreateObservableGauge("ebm.device.memory.usage", () => Memory(memory => memory.Used), "By",
            "Memory in use: of a CPU device the process's own, of a GPU all that is taken of the card.");
        meter.CreateObservableGauge("ebm.device.memory.limit", () => Memory(memory => memory.Total), "By", "Memory that the device has.");
        meter.CreateObservableUpDownCounter("ebm.model.versions", Count, "{version}", "Model versions by state.");
        meter.CreateObservableGauge("ebm.model.energy.reference", References, null,
            "Quantiles of E(x) over the rows that the version's bundled calibration compares with: in-distribution data.");
        meter.CreateObservableGauge("ebm.storage.free", FreeBytes, "By", "Room on the disk of the data folder.");
        meter.CreateObservableGauge("ebm.job.queue.limit", () => _limits.Value.MaxQueuedJobs, "{job}", "Jobs that the queue takes.");
    }

    private IEnumerable<Measurement<long>> Memory(Func<DeviceMemory, long> part) => _device.ReadMemory() is { } memory
        ? [new(part(memory), JobsTelemetry.Tag("ebm.device.kind", _device.Info.Kind))] : [];

    private IEnumerable<Measurement<int>> Count()
    {
        Dictionary<ModelState, int> counts = _models.List().CountBy(model => model.State).ToDictionary();
        return Enum.GetValues<ModelState>().Select(state =>
            new Measurement<int>(counts.GetValueOrDefault(state), JobsTelemetry.Tag(Tags.State, Tags.Word(state))));
    }

    private IEnumerable<Measurement<double>> References() =>
        from model in _models.List()
        from one in model.ReferenceEnergies
        select new Measurement<double>(one.Energy, JobsTelemetry.Tag(Tags.Model, model.Key.Name), JobsTelemetry.Tag(Tags.Version, model.Key.Version),
            JobsTelemetry.Tag(Tags.Quantile, one.Quantile.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    private IEnumerable<Measurement<double>> FreeBytes()
    {
        try
        {
            return [new(_disk.FreeBytes(_folders.Root))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return [];
        }
    }
}
