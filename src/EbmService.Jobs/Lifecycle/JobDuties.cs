using EbmService.Core.Diagnostics;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Slots;

namespace EbmService.Jobs.Lifecycle;

/// <inheritdoc cref="IJobDuties"/>
internal sealed class JobDuties(JobRecorder recorder, JobStops stops, SlotBoard board) : IJobDuties
{
    public async Task Record(Job job, JobEntry entry, Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        await recorder.RecordAsync(job, entry);
    }

    public void Judge(Job job, int step, BlockSeries[] series) => stops.Judge(job, step, series);

    public void Changed(Job job) => board.WakeFor(job);
}
