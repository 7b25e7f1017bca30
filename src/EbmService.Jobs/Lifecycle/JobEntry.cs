using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;

namespace EbmService.Jobs.Lifecycle;

/// <summary>Something that a job decided and that is to be stored and shown; a job's entries are carried out one after the other.</summary>
internal abstract record JobEntry;

/// <summary>A status that is not an end.</summary>
internal sealed record StatusEntry(JobStatus Status) : JobEntry;

/// <summary>The job is off the slots: its state is to be stored, then the pause.</summary>
/// <param name="Done">To be completed when the pause is stored or void.</param>
internal sealed record PauseEntry(TaskCompletionSource<bool> Done) : JobEntry;

/// <summary>The block's newest checkpoint is to be written.</summary>
internal sealed record CheckpointEntry(IBlock Block) : JobEntry;

/// <summary>What finished blocks left is to be stored: <see cref="Job.Take"/>.</summary>
/// <param name="Blocks">Grows until the entry is carried out or another comes behind it, for what was decided in
/// between is stored first.</param>
/// <param name="Hurry">Completes when another entry waits behind this one: it may wait for more blocks until then.</param>
internal sealed record FinishedEntry(List<FinishedBlock> Blocks, Task Hurry) : JobEntry;

/// <summary>A stop is to be stored, and is in force then (<see cref="Job.EnterStop"/>).</summary>
/// <param name="Step">Where all blocks end; null to end each where it is.</param>
internal sealed record StopEntry(string Reason, int? Step) : JobEntry;

/// <summary>Nothing is left to compute: results are to be made and the end is to be stored.</summary>
internal sealed record EndEntry : JobEntry;

/// <summary>What a job has done by others. No member waits, or calls back into the job before it returns.</summary>
internal interface IJobDuties
{
    /// <summary>Has an entry carried out once the one before has been.</summary>
    /// <param name="before">Completes with the job's entry before this one.</param>
    /// <returns>Completes when the entry has been carried out; its errors are its own business.</returns>
    Task Record(Job job, JobEntry entry, Task before);

    /// <summary>Judges the stop rules on other threads and tells <see cref="Job.Judged"/>.</summary>
    /// <param name="step">The step that every block is at.</param>
    void Judge(Job job, int step, BlockStatistics[] series);

    /// <summary>How far the job is, in the words of its type. The caller holds the job's lock.</summary>
    JobProgress Progress(Job job, int? queuePosition);

    /// <summary>Slots may find something else to do now. Called outside the job's lock.</summary>
    void Changed(Job job);
}
