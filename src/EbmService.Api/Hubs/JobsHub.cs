using EbmService.Api.Security;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using Microsoft.AspNetCore.SignalR;

namespace EbmService.Api.Hubs;

/// <summary>Live progress at /hubs/jobs, in the JSON and the MessagePack protocol.</summary>
internal sealed class JobsHub(JobWatches watches, IJobService all, KeyRing keys, TimeProvider clock) : Hub<IJobsClient>
{
    private static readonly object s_place = new();

    internal const string Path = JobsHubContract.Path;

    /// <summary>Sends the job's current state, then its events until it has ended.</summary>
    public async Task Watch(string? jobId)
    {
        if (string.IsNullOrWhiteSpace(jobId))
            throw new HubException("Watch needs the id of a job; WatchAll watches all of them.");
        Outcome<JobSnapshot> job = await Jobs.FindAsync(jobId, Context.ConnectionAborted);
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

    private CallerJobs Jobs => new(all, ((Place)Context.Items[s_place]!).Caller);

    /// <summary>Whoever may come in no more is sent away: a revoked or expired key ends its connections.</summary>
    public override Task OnConnectedAsync()
    {
        var place = new Place(new Caller(Context.User!, keys, clock), Context);
        Context.Items[s_place] = place;
        return base.OnConnectedAsync();
    }

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        watches.EndAll(Context.ConnectionId);
        (Context.Items[s_place] as Place)?.Dispose();
        return base.OnDisconnectedAsync(exception);
    }

    private void Start(string key)
    {
        if (!watches.TryStart(Jobs, Context.ConnectionId, key, Context.GetHttpContext()?.Request.PathBase ?? default, Context.ConnectionAborted))
            throw new HubException($"A connection watches at most {JobWatches.MaxPerConnection} jobs: use WatchAll, or Unwatch some.");
    }

    private sealed class Place : IDisposable
    {
        private readonly CallerLease _lease;
        private readonly CancellationTokenRegistration _end;

        internal Place(Caller caller, HubCallerContext connection)
        {
            Caller = caller;
            _lease = caller.Lease();
            _end = _lease.Ended.Register(connection.Abort);
        }

        internal Caller Caller { get; }

        public void Dispose()
        {
            _end.Dispose();
            _lease.Dispose();
        }
    }
}
