using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Jobs.Lifecycle;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Slots;

/// <summary>Whether the models that a job was accepted for are here: the same versions with the same digests. Thread-safe.</summary>
internal sealed class JobModels(IModelCatalog catalog, LiveJobs live, IOptions<WorkerOptions> options, ILogger<JobModels> log)
{
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private Task _look = Task.CompletedTask;
    private Task? _nextLook;

    /// <value>How long a job waits for a model in all.</value>
    public TimeSpan Patience { get; } = TimeSpan.FromSeconds(options.Value.ModelWaitSeconds);

    /// <summary>Whether work may have failed because a model is away.</summary>
    public static bool IsOfModel(Failure failure) =>
        failure.Code is FailureCode.ModelUnavailable or FailureCode.ModelNotFound or FailureCode.VersionNotFound;

    /// <summary>Of the first that is not here; null where all are.</summary>
    public Failure? WhyMissing(JobDefinition job) =>
        job.Models.Where(model => !model.IsMade).Select(model => WhyMissing(model.Reference())).FirstOrDefault(missing => missing is not null);

    /// <summary>As <see cref="WhyMissing(JobDefinition)"/>, after another look at where the models are.</summary>
    public async Task<Failure?> WhyStillMissingAsync(JobDefinition job)
    {
        if (WhyMissing(job) is null)
            return null;
        await RefreshAsync();
        return WhyMissing(job);
    }

    /// <summary>Looks for the job's models again after a while.</summary>
    /// <returns>False when the process stops first.</returns>
    public async Task<bool> LookAgainAsync(JobDefinition job)
    {
        await live.PauseAsync(Patience < 4 * LongestRetry ? Patience / 4 : LongestRetry);
        if (live.Stopping)
            return false;
        await WhyStillMissingAsync(job);
        return true;
    }

    /// <summary>The job has ended: what was kept for it may go. Asking again changes nothing.</summary>
    public void Release(Job job) => catalog.Release(job.Id);

    /// <summary>
    /// Looks at where the models are, which reads every file there: on a thread of the pool, one look at a time, and all who ask
    /// during one share the next.
    /// </summary>
    private Task RefreshAsync()
    {
        lock (_lock)
            return _nextLook ??= RefreshAfterAsync(_look);
    }

    private async Task RefreshAfterAsync(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        lock (_lock)
            (_look, _nextLook) = (_nextLook!, null);
        try
        {
            catalog.Refresh();
        }
        catch (Exception e)
        {
            log.ModelsNotRead(e);
        }
    }

    private Failure? WhyMissing(ModelReference model)
    {
        if (catalog.Find(model).Succeeded)
            return null;
        Outcome<HostedModel> found = catalog.Find(model.Name, model.Version);
        string reason = found.Succeeded
            ? $"the version that is there has the digest {found.Value.Digest}" : found.Failure.Message.TrimEnd('.');
        return new Failure(FailureCode.ModelUnavailable,
            $"The job needs version '{model.Version}' of the model '{model.Name}' with the digest {model.Digest}: {reason}.",
            "Put that version back where the service reads its models, then try again: the job keeps its place and its state.");
    }
}
