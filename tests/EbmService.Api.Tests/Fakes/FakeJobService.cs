using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;

namespace EbmService.Api.Tests.Fakes;

/// <summary>Jobs in memory; a test moves them on by <see cref="Publish"/> and <see cref="Finish"/>.</summary>
internal sealed class FakeJobService : IJobService
{
    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly ConcurrentDictionary<string, JobState> _jobs = new();
    private readonly ConcurrentDictionary<(string Tenant, string Key), (string Id, string Print)> _keys = new();

    internal Failure? Refuses { get; set; }

    internal JobSubmission? Last { get; private set; }

    internal byte[] Content { get; set; } = [.. Enumerable.Range(0, 100).Select(i => (byte)i)];

    public Task<Outcome<JobSnapshot>> SubmitAsync(JobSubmission submission, CancellationToken cancellationToken)
    {
        Last = submission;
        if (Refuses is { } refusal)
            return Answer(refusal);
        // Of the same millisecond they would be in no order.
        string id = Guid.CreateVersion7(Start.AddMilliseconds(_jobs.Count)).ToString("N");
        var job = new JobSnapshot
        {
            Id = id, Status = JobStatus.Queued, Models = submission.Models, Spec = submission.Spec,
            Priority = submission.Priority, Tenant = submission.Tenant,
            Tags = submission.Tags, Warnings = submission.Warnings, Keep = submission.Keep,
            Progress = new JobProgress { QueuePosition = 1, Metrics = new Dictionary<string, double> { ["energyMean"] = double.NaN } },
            CreatedAt = Start,
        };
        _jobs[id] = new JobState(job);
        return Answer(job);
    }

    public async Task<Outcome<JobSnapshot>> SubmitOnceAsync(
        SubmissionKey key, Func<CancellationToken, Task<Outcome<JobSubmission>>> create, CancellationToken cancellationToken)
    {
        if (_keys.TryGetValue((key.Tenant, key.Key), out (string Id, string Print) earlier))
            return earlier.Print == key.Fingerprint
                ? await FindAsync(earlier.Id, cancellationToken) : new Failure(FailureCode.IdempotencyMismatch, "Another body.");
        Outcome<JobSubmission> submission = await create(cancellationToken);
        if (!submission.Succeeded)
            return submission.Failure;
        Outcome<JobSnapshot> job = await SubmitAsync(submission.Value, cancellationToken);
        if (job.Succeeded)
            _keys[(key.Tenant, key.Key)] = (job.Value.Id, key.Fingerprint);
        return job;
    }

    public Task<Outcome<JobSnapshot>> FindAsync(string id, CancellationToken cancellationToken) => Answer(id, state => state.Job);

    public Task<Outcome<JobPage>> ListAsync(JobFilter query, CancellationToken cancellationToken)
    {
        JobSnapshot[] all = [.. _jobs.Values.Select(state => state.Job)
            .Where(job => (query.Status is null || job.Status == query.Status)
            && (query.Model is null || job.Model.Name == query.Model) && (query.Tenant is null || job.Tenant == query.Tenant)).OrderByDescending(job => job.Id)];
        int from = query.Cursor is null ? 0 : int.Parse(query.Cursor, System.Globalization.CultureInfo.InvariantCulture);
        string? next = from + query.Limit < all.Length
            ? (from + query.Limit).ToString(System.Globalization.CultureInfo.InvariantCulture) : null;
        return Task.FromResult<Outcome<JobPage>>(new JobPage([.. all.Skip(from).Take(query.Limit)], next));
    }

    public Task<Outcome<JobSnapshot>> KeepAsync(string id, bool keep, CancellationToken cancellationToken) =>
        Answer(id, state => state.Job = state.Job with { Keep = keep });

    public Task<Outcome<JobSnapshot>> CancelAsync(string id, CancellationToken cancellationToken) => Answer(id, state =>
        state.Job.Status.IsTerminal() ? new Failure(FailureCode.InvalidTransition, "The job has ended.") : End(state, JobStatus.Cancelled));

    public Task<Outcome<JobSnapshot>> PauseAsync(string id, CancellationToken cancellationToken) =>
        Answer(id, state => Move(state, JobStatus.Paused));

    public Task<Outcome<JobSnapshot>> ResumeAsync(string id, CancellationToken cancellationToken) => Answer(id, state =>
        state.Job.Status == JobStatus.Paused ? Move(state, JobStatus.Queued) : Move(state, state.Job.Status));

    public async Task<Outcome<JobSnapshot>> ExtendAsync(string id, int steps, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> found = await FindAsync(id, cancellationToken);
        if (!found.Succeeded || found.Value.Status != JobStatus.Succeeded)
            return found.Succeeded ? new Failure(FailureCode.InvalidTransition, "The job has not succeeded.") : found;
        Outcome<JobSnapshot> made = await SubmitAsync(
            new JobSubmission(found.Value.Models, found.Value.SpecDone().Extended(steps)!) { Tenant = found.Value.Tenant },
            cancellationToken);
        return made.Succeeded ? _jobs[made.Value.Id].Job = made.Value with { Extends = id } : made;
    }

    public Task<Outcome<JobSnapshot>> DeleteAsync(string id, CancellationToken cancellationToken) => Answer(id, state =>
    {
        if (!state.Job.Status.IsTerminal())
            return new Failure(FailureCode.InvalidTransition, "The job has not ended.");
        _jobs.TryRemove(id, out _);
        return state.Job;
    });

    public async Task<Outcome<JobSnapshot>> WaitAsync(string id, TimeSpan timeout, CancellationToken cancellationToken)
    {
        await Task.WhenAny(_jobs[id].Ended.Task, Task.Delay(timeout, cancellationToken));
        return _jobs[id].Job;
    }

    public async IAsyncEnumerable<JobLogEntry> WatchAsync(
        string? id, long afterSequence, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        JobState state = _jobs[id ?? _jobs.Keys.Single()];
        for (int next = (int)afterSequence; ;)
        {
            // Read before the events: an end that comes while they are sent is among those of the next turn.
            bool ended = state.Ended.Task.IsCompleted;
            JobLogEntry[] events = state.After(next, out Task changed);
            foreach (JobLogEntry happened in events)
            {
                yield return happened;
                next++;
                if (happened is JobChangedEntry { Job: var job } && job.Status.IsTerminal() && id is not null)
                    yield break;
            }
            if (id is not null && ended)
                yield break;
            await changed.WaitAsync(cancellationToken);
        }
    }

    public Task<Outcome<JobResult>> OpenResultAsync(string id, string name, CancellationToken cancellationToken)
    {
        if (!_jobs.TryGetValue(id, out JobState? state))
            return Task.FromResult<Outcome<JobResult>>(Unknown(id));
        return Task.FromResult<Outcome<JobResult>>(state.Job.Results.FirstOrDefault(entry => entry.Name == name) is { } found
            ? new JobResult(found, new MemoryStream(Content))
            : new Failure(FailureCode.ResultNotFound, $"The job has no result '{name}'."));
    }

    internal void Publish(string id, Func<long, JobLogEntry> make) => _jobs[id].Append(make);

    internal void Finish(string id)
    {
        JobState state = _jobs[id];
        string hash = Convert.ToHexStringLower(SHA256.HashData(Content));
        state.Job = state.Job with
        {
            StopStep = 12,
            Results =
            [
                new("samples.png", "image/png", Content.Length, hash), new("samples.npy", "application/x-npy", Content.Length, hash),
            ],
        };
        End(state, JobStatus.Succeeded);
    }

    private static Outcome<JobSnapshot> Move(JobState state, JobStatus status) => state.Job.Status.IsTerminal()
        ? new Failure(FailureCode.InvalidTransition, "The job has ended.")
        : state.Job = state.Job with { Status = status };

    private static JobSnapshot End(JobState state, JobStatus status)
    {
        string? reason = status switch { JobStatus.Succeeded => "untilEss", JobStatus.Cancelled => StopReason.Cancelled, _ => null };
        state.Job = state.Job with { Status = status, FinishedAt = Start.AddSeconds(1), StopReason = reason };
        state.Append(sequence => new JobChangedEntry(state.Job.Id, sequence, state.Job));
        state.Ended.TrySetResult();
        return state.Job;
    }

    private Task<Outcome<JobSnapshot>> Answer(string id, Func<JobState, Outcome<JobSnapshot>> use) =>
        Answer(_jobs.TryGetValue(id, out JobState? state) ? use(state) : Unknown(id));

    private static Task<Outcome<JobSnapshot>> Answer(Outcome<JobSnapshot> outcome) => Task.FromResult(outcome);

    private static Failure Unknown(string id) => new(FailureCode.JobNotFound, $"There is no job '{id}'.");

    private sealed class JobState
    {
        private readonly List<JobLogEntry> _events = [];
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal JobState(JobSnapshot job)
        {
            Job = job;
            Append(sequence => new JobChangedEntry(job.Id, sequence, job));
        }

        internal JobSnapshot Job { get; set; }

        internal TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal void Append(Func<long, JobLogEntry> make)
        {
            lock (_events)
            {
                _events.Add(make(_events.Count + 1));
                _changed.TrySetResult();
                _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        internal JobLogEntry[] After(int sequence, out Task changed)
        {
            lock (_events)
            {
                changed = _changed.Task;
                return [.. _events.Skip(sequence)];
            }
        }
    }
}
