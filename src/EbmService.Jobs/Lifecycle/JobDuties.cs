using EbmService.Core.Diagnostics;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Slots;

namespace EbmService.Jobs.Lifecycle;

/// <inheritdoc cref="IJobDuties"/>
internal sealed class JobDuties(JobRecorder recorder, StopRules rules, SlotBoard board) : IJobDuties
{
    public Task RecordAsync(Job job, JobEntry entry) => recorder.RecordAsync(job, entry);

    public void Judge(Job job, int step, BlockSeries[] series) => rules.Judge(job, step, series);

    public void Changed(Job job) => board.WakeFor(job);
}
