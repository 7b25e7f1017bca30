using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Admission;

/// <summary>Refuses a job that would take more memory or disk than the machine has for it. Thread-safe.</summary>
internal sealed class JobResources(
    JobDisk disk, JobFolders folders, IComputeDevice device, IOptions<WorkerOptions> worker, IOptions<JobLimitsOptions> limits)
{
    /// <summary>
    /// How often a result is in memory while a job's files are made: as
    /// the blocks left it, read, put together, and as a file.
    /// </summary>
    private const int MemoryCopies = 4;

    /// <summary>How often a result is on disk at most: two checkpoints, the last checkpoints, what the blocks left, and the files.</summary>
    private const int DiskCopies = 5;

    /// <summary>In blocks' logs, or a block archive, and in the files.</summary>
    private const int StreamedCopies = 2;

    /// <returns>Why the job is refused; null where it fits.</returns>
    public Failure? Check(JobFootprint footprint)
    {
        int slots = worker.Value.Slots > 0 ? worker.Value.Slots : device.Info.Slots;
        double step = slots * footprint.StepBytes, result = MemoryCopies * footprint.ResultBytes;
        double room = limits.Value.MemoryShare * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (step + result > room)
        {
            string field = step > result ? footprint.StepField : footprint.ResultField;
            return Refuse(FailureCode.OverPolicy, field,
                $"The job would take about {Text(step + result)} of memory, and this server gives a job {Text(room)}.",
                $"{Remedy(footprint, field)} The operator: raise Limits:MemoryShare.");
        }
        double written = DiskCopies * footprint.ResultBytes + StreamedCopies * footprint.StreamedBytes, free = disk.FreeBytes(folders.Root);
        return written > free
            ? Refuse(FailureCode.InsufficientStorage, footprint.ResultField,
                $"The job would write about {Text(written)}, and the server's disk has {Text(free)} left.",
                $"{Remedy(footprint, footprint.ResultField)} Or delete jobs that have ended.")
            : null;
    }

    private static Failure Refuse(FailureCode code, string field, string message, string remedy) =>
        new(code, message, remedy) { Fields = [new FieldError(field, message)] };

    private static string Remedy(JobFootprint footprint, string field) => field == footprint.StepField && field != footprint.ResultField
        ? $"Ask for a smaller {field}."
        : footprint.ResultRemedy ?? $"Ask for less in {field}, in several jobs.";

    private static string Text(double bytes) => bytes >= 1e9 ? $"{bytes / 1e9:F1} GB" : $"{Math.Ceiling(bytes / 1e6):F0} MB";
}
