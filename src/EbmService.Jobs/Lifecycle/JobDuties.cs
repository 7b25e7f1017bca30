using EbmService.Core.Jobs;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Slots;

namespace EbmService.Jobs.Lifecycle;

/// <inheritdoc cref="IJobDuties"/>
internal sealed class JobDuties(JobRecorder recorder, JobStops stops, SlotBoard board, ProgressSummary summary) : IJobDuties
{
    public async Task Record(Job job, JobEntry entry, Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        await recorder.RecordAsync(job, entry);
    }

    public void Judge(Job job, int step, BlockStatistics[] series) => stops.Judge(job, step, series);

    public JobProgress Progress(Job job, int? queuePosition) => summary.Of(job, queuePosition);

    public void Changed(Job job) => board.WakeFor(job);
}
