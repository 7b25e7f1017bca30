namespace EbmService.Core.Jobs;

/// <summary>Words for why a job's blocks took no further step. A job type adds a word for each of its stop rules.</summary>
public static class StopReason
{
    /// <summary>All steps were done.</summary>
    public const string Completed = "completed";

    /// <summary>The job's deadline passed: blocks may have stopped at different steps.</summary>
    public const string Deadline = "deadline";

    /// <summary>A client cancelled the job.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>Whether it is a rule of the job's type, which ended all blocks at one step.</summary>
    public static bool IsRule(string? reason) => reason is not (null or Completed or Deadline or Cancelled);
}
