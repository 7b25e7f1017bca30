using EbmService.Api.Jobs;

namespace EbmService.Api.Hubs;

/// <summary>What the hub sends. The same events, in the same order, as the server-sent events of a job.</summary>
public interface IJobsClient
{
    /// <summary>The status changed; never dropped. The one with a terminal status is a job's last.</summary>
    Task JobChanged(JobResponse job);

    /// <summary>At most five per second and job; the latest wins.</summary>
    Task JobProgress(JobProgressMessage progress);

    /// <summary>A picture of the first block's chains; the latest wins. JSON carries the PNG as base64, MessagePack as bytes.</summary>
    Task JobPreview(string jobId, int step, byte[] png);
}
