using EbmService.Core.Jobs;

namespace EbmService.Jobs.Lifecycle;

/// <summary>Where a job is in its life. Clients see <see cref="JobStatus"/>, which follows once a change is stored.</summary>
internal enum JobState
{
    /// <summary>No block has had a quantum since the job was admitted, taken over or resumed.</summary>
    Queued,

    Running,

    /// <summary>A pause was asked for; blocks are being taken off their slots.</summary>
    Pausing,

    /// <summary>No block is on a slot; the pause is stored, or about to be.</summary>
    Paused,

    /// <summary>A stop rule's verdict or the deadline is being stored; until then no block goes on.</summary>
    Stopping,

    /// <summary>Every block goes on to the step of the verdict and ends there.</summary>
    Finishing,

    /// <summary>The deadline passed: blocks are closed where they are.</summary>
    Closing,

    /// <summary>As <see cref="Closing"/>, because a client cancelled the job.</summary>
    Cancelling,

    /// <summary>Nothing is left to compute; results are being made and the end is being stored.</summary>
    Ending,

    /// <summary>The end is stored, or the job is another process's.</summary>
    Ended,
}

/// <summary>What a method of <see cref="Job"/> did.</summary>
internal enum JobChange
{
    Made,

    /// <summary>The job is in that state already, or need not be moved to get there.</summary>
    Already,

    /// <summary>The job's state does not allow it; nothing was changed.</summary>
    Refused,
}

/// <summary>The answer to a client's wish.</summary>
/// <param name="Change">What was done.</param>
/// <param name="Stored">Completes when that is stored; where it was refused, with the job's end.</param>
internal readonly record struct JobAnswer(JobChange Change, Task Stored);
