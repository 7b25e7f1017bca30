using EbmService.Core.Jobs;

namespace EbmService.Jobs.Admission;

/// <summary>A job about to be stored.</summary>
/// <param name="Submission">What was asked for.</param>
/// <param name="Plan">Its blocks.</param>
internal sealed record JobDraft(JobSubmission Submission, JobPlan Plan)
{
    public string? Extends { get; init; }

    /// <value>The step at which every block begins; more than 0 where <see cref="PrepareAsync"/> stores chains.</value>
    public int StartStep { get; init; }

    /// <value>Stores the files that the job of that id begins with; a <see cref="Core.Failures.FailureException"/> refuses the job.</value>
    public required Func<string, Task> PrepareAsync { get; init; }
}
