using System.Runtime.CompilerServices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Storage;

namespace EbmService.Api.Security;

/// <summary>
/// The jobs that a caller reaches: its tenant's, as if there were no others; all of them where nobody has to authenticate. What routes and
/// hubs use in place of <see cref="IJobService"/>.
/// </summary>
internal sealed class CallerJobs(IJobService all, Caller caller) : IJobService
{
    private static readonly Failure s_unknown = new(FailureCode.JobNotFound, "There is no job of this id.");

    public async Task<Outcome<JobSnapshot>> SubmitAsync(JobSubmission submission, CancellationToken cancellationToken)
    {
        Outcome<JobSubmission> own = await OwnAsync(submission, cancellationToken);
        return own.Succeeded ? await all.SubmitAsync(own.Value, cancellationToken) : own.Failure;
    }

    public Task<Outcome<JobSnapshot>> SubmitOnceAsync(
        SubmissionKey key, Func<CancellationToken, Task<Outcome<JobSubmission>>> create, CancellationToken cancellationToken) =>
        all.SubmitOnceAsync(caller.Tenant is { } tenant ? key with { Tenant = tenant } : key, async token =>
        {
            Outcome<JobSubmission> made = await create(token);
            return made.Succeeded ? await OwnAsync(made.Value, token) : made;
        }, cancellationToken);

    public async Task<Outcome<JobSnapshot>> FindAsync(string id, CancellationToken cancellationToken)
    {
        Outcome<JobSnapshot> found = await all.FindAsync(id, cancellationToken);
        return found.Succeeded && !Reaches(found.Value) ? s_unknown : found;
    }

    public Task<Outcome<JobPage>> ListAsync(JobFilter query, CancellationToken cancellationToken) =>
        all.ListAsync(caller.Tenant is { } tenant ? query with { Tenant = tenant } : query, cancellationToken);

    public Task<Outcome<JobSnapshot>> CancelAsync(string id, CancellationToken cancellationToken) =>
        IfOwnAsync(id, () => all.CancelAsync(id, cancellationToken), cancellationToken);

    public Task<Outcome<JobSnapshot>> PauseAsync(string id, CancellationToken cancellationToken) =>
        IfOwnAsync(id, () => all.PauseAsync(id, cancellationToken), cancellationToken);

    public Task<Outcome<JobSnapshot>> ResumeAsync(string id, CancellationToken cancellationToken) =>
        IfOwnAsync(id, () => all.ResumeAsync(id, cancellationToken), cancellationToken);

    public Task<Outcome<JobSnapshot>> ExtendAsync(string id, int steps, CancellationToken cancellationToken) =>
        IfOwnAsync(id, () => all.ExtendAsync(id, steps, cancellationToken), cancellationToken);

    public Task<Outcome<JobSnapshot>> KeepAsync(string id, bool keep, CancellationToken cancellationToken) =>
        IfOwnAsync(id, () => all.KeepAsync(id, keep, cancellationToken), cancellationToken);

    public Task<Outcome<JobSnapshot>> DeleteAsync(string id, CancellationToken cancellationToken) =>
        IfOwnAsync(id, () => all.DeleteAsync(id, cancellationToken), cancellationToken);

    public Task<Outcome<JobSnapshot>> WaitAsync(string id, TimeSpan timeout, CancellationToken cancellationToken) =>
        IfOwnAsync(id, () => all.WaitAsync(id, timeout, cancellationToken), cancellationToken);

    public Task<Outcome<JobResult>> OpenResultAsync(string id, string name, CancellationToken cancellationToken) =>
        IfOwnAsync(id, () => all.OpenResultAsync(id, name, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Ends also when the caller may come in no more.</remarks>
    public async IAsyncEnumerable<JobLogEntry> WatchAsync(
        string? id, long afterSequence, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (id is not null && !(await FindAsync(id, cancellationToken)).Succeeded)
            throw new FailureException(s_unknown);
        using CallerLease lease = caller.Lease();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lease.Ended);
        IAsyncEnumerable<JobLogEntry> events = all.WatchAsync(id, afterSequence, either.Token);
        if (id is null && caller.Tenant is { } tenant)
            events = TenantEvents.Of(events, tenant, either.Token);
        await using IAsyncEnumerator<JobLogEntry> source = events.GetAsyncEnumerator(either.Token);
        while (await MovesAsync(source, lease, cancellationToken))
            yield return source.Current;
    }

    private static async ValueTask<bool> MovesAsync(IAsyncEnumerator<JobLogEntry> source, CallerLease lease, CancellationToken cancellationToken)
    {
        try
        {
            return await source.MoveNextAsync();
        }
        catch (OperationCanceledException) when (lease.Ended.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>The caller's, whatever was asked for; refused where it starts from what another tenant's job left.</summary>
    private async Task<Outcome<JobSubmission>> OwnAsync(JobSubmission submission, CancellationToken cancellationToken)
    {
        if (caller.Tenant is not { } tenant)
            return submission;
        foreach (JobInput input in submission.Spec.Inputs.Where(input => input.FromJob is not null))
        {
            if (!(await FindAsync(input.FromJob!, cancellationToken)).Succeeded)
                return Failure.OfFields([new FieldError(input.Field, $"There is no job {input.FromJob}.")]);
        }
        return submission with { Tenant = tenant };
    }

    private bool Reaches(JobSnapshot job) => caller.Tenant is null || job.Tenant == caller.Tenant;

    private async Task<Outcome<T>> IfOwnAsync<T>(string id, Func<Task<Outcome<T>>> act, CancellationToken cancellationToken)
    {
        if (caller.Tenant is not null && await FindAsync(id, cancellationToken) is { Succeeded: false } unknown)
            return unknown.Failure;
        return await act();
    }
}

/// <summary>The datasets that a caller reaches, in place of <see cref="IDatasetService"/>.</summary>
internal sealed class CallerDatasets(IDatasetService all, Caller caller)
{
    /// <value>Its tenant's.</value>
    internal IDatasetService Own { get; } = all.OfTenant(caller.DatasetTenant);
}

internal static class TenantEvents
{
    /// <summary>Of the events of all jobs those of one tenant: a job's first event is its state, which names the tenant; progress does not.</summary>
    internal static async IAsyncEnumerable<JobLogEntry> Of(
        IAsyncEnumerable<JobLogEntry> events, string tenant, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var own = new HashSet<string>();
        await foreach (JobLogEntry happened in events.WithCancellation(cancellationToken))
        {
            if (happened is JobChangedEntry { Job: var job } && job.Tenant == tenant)
                own.Add(job.Id);
            if (!own.Contains(happened.JobId))
                continue;
            yield return happened;
            if (happened is JobChangedEntry { Job.Status: var status } && status.IsTerminal())
                own.Remove(happened.JobId);
        }
    }
}
