using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using Microsoft.AspNetCore.SignalR;

namespace EbmService.Api.Hubs;

/// <summary>Live progress at /hubs/jobs, in the JSON and the MessagePack protocol.</summary>
internal sealed class JobsHub(JobWatches watches, IJobService jobs) : Hub<IJobsClient>
{
    internal const string Path = JobsHubContract.Path;

    /// <summary>Sends the job's current state, then its events until it has ended.</summary>
    public async Task Watch(string? jobId)
    {
        if (string.IsNullOrWhiteSpace(jobId))
            throw new HubException("Watch needs the id of a job; WatchAll watches all of them.");
        Outcome<JobSnapshot> job = await jobs.FindAsync(jobId, Context.ConnectionAborted);
        if (!job.Succeeded)
            throw new HubException($"{job.Failure.Message} GET /v1/jobs lists the jobs.");
        Start(jobId);
    }

    /// <summary>Ends a watch; nothing happens where there is none.</summary>
    public void Unwatch(string? jobId)
    {
        if (string.IsNullOrWhiteSpace(jobId))
            throw new HubException("Unwatch needs the id of a job; UnwatchAll ends the watch of all of them.");
        watches.End(Context.ConnectionId, jobId);
    }

    /// <summary>Sends changes and progress of every job, without previews, until the connection ends or UnwatchAll.</summary>
    public void WatchAll() => Start(JobWatches.AllJobs);

    public void UnwatchAll() => watches.End(Context.ConnectionId, JobWatches.AllJobs);

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        watches.EndAll(Context.ConnectionId);
        return base.OnDisconnectedAsync(exception);
    }

    private void Start(string key)
    {
        if (!watches.TryStart(Context.ConnectionId, key, Context.GetHttpContext()?.Request.PathBase ?? default, Context.ConnectionAborted))
            throw new HubException($"A connection watches at most {JobWatches.MaxPerConnection} jobs: use WatchAll, or Unwatch some.");
    }
}
