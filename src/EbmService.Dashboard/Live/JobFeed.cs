using EbmService.Client;
using EbmService.Core.Jobs;
using EbmService.Dashboard.Layout;

namespace EbmService.Dashboard.Live;

/// <summary>
/// All jobs that this page knows, kept up to date by one watch. Events only change what is here; pages look at it when the ticker says so.
/// </summary>
public sealed class JobFeed(EbmClient client, Session session, TimeProvider clock)
{
    private const int MostKept = 500;
    private static readonly TimeSpan s_between = TimeSpan.FromSeconds(3);

    private readonly Dictionary<string, JobTrack> _tracks = [];
    private bool _started;

    /// <summary>The service was lost or is back.</summary>
    public event Action? ConnectionChanged;

    /// <value>Whether the service answers.</value>
    public bool IsLive { get; private set; } = true;

    /// <value>Whether the list of jobs has come.</value>
    public bool IsLoaded { get; private set; }

    /// <value>Grows with every event.</value>
    public long Version { get; private set; }

    /// <value>Newest first.</value>
    public IReadOnlyList<JobTrack> Newest => [.. _tracks.Values.OrderByDescending(track => track.Job.CreatedAt)];

    public JobTrack? Find(string id) => _tracks.GetValueOrDefault(id);

    public void Start()
    {
        if (_started)
            return;
        _started = true;
        _ = WatchAsync();
        _ = LookAsync();
    }

    public JobTrack Apply(JobResponse job)
    {
        Version++;
        if (_tracks.TryGetValue(job.Id, out JobTrack? track))
        {
            track.Apply(job);
            return track;
        }
        if (_tracks.Count >= MostKept)
            _tracks.Remove(_tracks.Values.MinBy(old => old.Job.CreatedAt)!.Id);
        return _tracks[job.Id] = new JobTrack(job);
    }

    public void Apply(JobEvent happened)
    {
        switch (happened)
        {
            case JobChangedEvent changed:
                Apply(changed.Job);
                break;
            case JobProgressEvent progress when Find(progress.JobId) is { } track:
                Version++;
                track.Apply(progress.Progress);
                break;
        }
    }

    public void Remove(string id)
    {
        Version++;
        _tracks.Remove(id);
    }

    private async Task WatchAsync()
    {
        while (true)
        {
            try
            {
                foreach (JobResponse job in (await client.Jobs.ListAsync(new JobQuery { Limit = 100 })).Jobs)
                    Apply(job);
                IsLoaded = true;
                await foreach (JobEvent happened in client.Jobs.WatchAllAsync())
                    Apply(happened);
            }
            catch (EbmException failed)
            {
                if (failed.Status == 401)
                {
                    // Another key loads the page anew.
                    session.Refused();
                    return;
                }
            }
            await Task.Delay(s_between, clock);
        }
    }

    /// <summary>The watch mends itself and says nothing: whether the service is there is asked for.</summary>
    private async Task LookAsync()
    {
        while (true)
        {
            bool isLive = true;
            try
            {
                await client.Service.LiveAsync();
            }
            catch (EbmException)
            {
                isLive = false;
            }
            if (isLive != IsLive)
            {
                IsLive = isLive;
                ConnectionChanged?.Invoke();
            }
            await Task.Delay(s_between, clock);
        }
    }
}
