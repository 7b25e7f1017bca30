namespace EbmService.Core.Jobs;

/// <summary>queued -&gt; running &lt;-&gt; paused -&gt; succeeded | failed | cancelled; terminal states never change.</summary>
public enum JobStatus
{
    /// <summary>Accepted and stored; no block has run in this attempt.</summary>
    Queued,

    /// <summary>At least one block has run.</summary>
    Running,

    /// <summary>Taken off the device on request; keeps its place in time.</summary>
    Paused,

    /// <summary>A cancel was accepted; running blocks stop at the end of their quantum.</summary>
    Cancelling,

    Succeeded,
    Failed,

    /// <summary>Stopped on request; partial results are kept.</summary>
    Cancelled,
}

public static class JobStatusExtensions
{
    public static bool IsTerminal(this JobStatus status) =>
        status is JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled;
}
