namespace EbmService.Core.Jobs;

/// <summary>Where the SignalR hub of live progress is, and what a client may call there.</summary>
public static class JobsHubContract
{
    /// <summary>Below the service's address.</summary>
    public const string Path = "/hubs/jobs";

    /// <summary>Takes a job's id: sends its current state, then its events until it has ended.</summary>
    public const string Watch = "Watch";

    /// <summary>Takes a job's id: ends its watch.</summary>
    public const string Unwatch = "Unwatch";

    /// <summary>Sends changes and progress of every job, without previews, until the connection ends or <see cref="UnwatchAll"/>.</summary>
    public const string WatchAll = "WatchAll";

    public const string UnwatchAll = "UnwatchAll";
}

/// <summary>What the hub sends. The same events, in the same order, as the server-sent events of a job.</summary>
public interface IJobsClient
{
    /// <summary>The status changed; never dropped. The one with a terminal status is a job's last.</summary>
    Task JobChanged(JobResponse job);

    /// <summary>At most five per second and job; the latest wins.</summary>
    Task JobProgress(JobProgressMessage progress);

    /// <summary>A picture of the first block; the latest wins. JSON carries the PNG as base64, MessagePack as bytes.</summary>
    Task JobPreview(string jobId, int step, byte[] png);
}
