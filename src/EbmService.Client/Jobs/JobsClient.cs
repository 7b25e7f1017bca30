using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Client.Events;
using EbmService.Client.Http;
using EbmService.Core.Jobs;

namespace EbmService.Client;

/// <summary>Long work: create, look, wait, watch, results.</summary>
public sealed partial class JobsClient
{
    private const string Jobs = "v1/jobs";

    /// <summary>What <see cref="RunAsync{TSpec}(string, TSpec, JobOptions?, CancellationToken)"/> waits within the first request.</summary>
    private static readonly TimeSpan s_runWait = TimeSpan.FromSeconds(10);

    private readonly EbmHttp _http;
    private readonly JobEventSource _events;

    internal JobsClient(EbmHttp http, JobEventSource events)
    {
        _http = http;
        _events = events;
    }

    /// <summary>Queues a job. Its type is that of <paramref name="spec"/>: a <c>SamplingRequest</c> makes a sampling job.</summary>
    /// <param name="model"><c>name</c> for the newest ready version, or <c>name/version</c>.</param>
    /// <param name="spec">The request of a job type (<see cref="JobSpecTypes"/>); all that is left out has a default.</param>
    public Task<JobResponse> CreateAsync<TSpec>(
        string model, TSpec spec, JobOptions? options = null, CancellationToken cancellationToken = default)
        where TSpec : class => CreateAsync(new CreateJobRequest<TSpec> { Model = model, Spec = spec }, options, cancellationToken);

    /// <summary>Queues a job. Where the request has no type it is that of its spec.</summary>
    public Task<JobResponse> CreateAsync(CreateJobRequest request, JobOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        JsonObject members = JsonSerializer.SerializeToNode(request, request.GetType(), EbmClientJson.Options)!.AsObject();
        if (request.Type is null)
            members["type"] = JobSpecTypes.NameOf(request.GetType().GenericTypeArguments.Single());
        return CreateAsync(members, options, cancellationToken);
    }

    /// <summary>Queues a job of any type, also of one that this version of the client doesn't know.</summary>
    /// <param name="request">The body of POST /v1/jobs.</param>
    /// <exception cref="EbmException">Refused. The request is sent again, with one Idempotency-Key, while the service is busy or
    /// away.</exception>
    public Task<JobResponse> CreateAsync(JsonObject request, JobOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        HttpRequestMessage message = EbmHttp.Request(HttpMethod.Post, Jobs, EbmHttp.Json(request));
        message.Headers.TryAddWithoutValidation(RetryRules.IdempotencyKey, options?.IdempotencyKey ?? Guid.NewGuid().ToString("N"));
        if (options?.Wait is { } wait)
        {
            int seconds = (int)Math.Ceiling(Math.Clamp(wait.TotalSeconds, 0, 60));
            message.Headers.TryAddWithoutValidation("Prefer", string.Create(CultureInfo.InvariantCulture, $"wait={seconds}"));
            message.Options.Set(RetryRules.Timeout, _http.Options.RequestTimeout + TimeSpan.FromSeconds(seconds));
        }
        return _http.ReadAsync<JobResponse>(message, cancellationToken);
    }

    /// <summary>Creates a job and waits for its end. A cancel ends the wait, not the job.</summary>
    /// <returns>The job as it ended; see <see cref="JobResponseExtensions.EnsureSucceeded"/>.</returns>
    public Task<JobResponse> RunAsync<TSpec>(string model, TSpec spec, JobOptions? options = null, CancellationToken cancellationToken = default)
        where TSpec : class => RunAsync(new CreateJobRequest<TSpec> { Model = model, Spec = spec }, options, cancellationToken);

    /// <inheritdoc cref="RunAsync{TSpec}(string, TSpec, JobOptions?, CancellationToken)"/>
    public async Task<JobResponse> RunAsync(CreateJobRequest request, JobOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new JobOptions();
        JobResponse job = await CreateAsync(request, options with { Wait = options.Wait ?? s_runWait }, cancellationToken).ConfigureAwait(false);
        return job.Status.IsTerminal() ? job : await WaitAsync(job.Id, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for a job's end, over broken connections and restarts of the service.</summary>
    /// <returns>The job as it ended.</returns>
    public async Task<JobResponse> WaitAsync(string id, CancellationToken cancellationToken = default)
    {
        JobResponse? last = null;
        await foreach (JobEvent happened in WatchAsync(id, cancellationToken).ConfigureAwait(false))
            last = (happened as JobChangedEvent)?.Job ?? last;
        return last ?? throw new InvalidOperationException("a watch ended without a state");
    }

    /// <summary>
    /// The job's current state, then its events until it has ended; the last is the change to a terminal status, whatever becomes of
    /// connections in between.
    /// </summary>
    /// <exception cref="EbmException">
    /// There is no such job, the key does not allow it, or the service was away for longer than
    /// <see cref="EbmClientOptions.ReconnectTimeout"/>.
    /// </exception>
    public IAsyncEnumerable<JobEvent> WatchAsync(string id, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        return _events.WatchAsync(id, cancellationToken);
    }

    /// <summary>
    /// Changes and progress of all jobs, without previews and without an end: first the state of each that has not ended. Changes of jobs
    /// that end
    /// while the connection is away come after it is back.
    /// </summary>
    public IAsyncEnumerable<JobEvent> WatchAllAsync(CancellationToken cancellationToken = default) => _events.WatchAllAsync(cancellationToken);

    public Task<JobResponse> GetAsync(string id, CancellationToken cancellationToken = default) =>
        _http.GetAsync<JobResponse>(PathOf(id), cancellationToken);

    /// <summary>How the chains of a running job went so far.</summary>
    public Task<JobTraceResponse> GetTraceAsync(string id, CancellationToken cancellationToken = default) =>
        _http.GetAsync<JobTraceResponse>(PathOf(id) + "/trace", cancellationToken);

    /// <summary>The latest preview of a running job as numbers.</summary>
    public Task<JobPreviewResponse> GetPreviewAsync(string id, CancellationToken cancellationToken = default) =>
        _http.GetAsync<JobPreviewResponse>(PathOf(id) + "/preview", cancellationToken);

    /// <summary>A page of jobs, newest first.</summary>
    public Task<JobListResponse> ListAsync(JobQuery? query = null, CancellationToken cancellationToken = default) =>
        _http.GetAsync<JobListResponse>(EbmHttp.WithQuery(Jobs, ("status", query?.Status), ("model", query?.Model), ("type", query?.Type),
            ("limit", query?.Limit), ("cursor", query?.Cursor)), cancellationToken);

    /// <summary>All jobs, newest first, a page at a time.</summary>
    public async IAsyncEnumerable<JobResponse> ListAllAsync(
        JobQuery? query = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        query ??= new JobQuery();
        do
        {
            JobListResponse page = await ListAsync(query, cancellationToken).ConfigureAwait(false);
            foreach (JobResponse job in page.Jobs)
                yield return job;
            query = query with { Cursor = page.NextCursor };
        }
        while (query.Cursor is not null);
    }

    /// <summary>Stops a job: a queued one at once, a running one at the end of its quantum, keeping partial results.</summary>
    public Task<JobResponse> CancelAsync(string id, CancellationToken cancellationToken = default) => ChangeAsync(id, "cancel", cancellationToken);

    /// <summary>Takes a job off the device, with its state stored.</summary>
    /// <returns>Still running until its state is stored, then paused.</returns>
    public Task<JobResponse> PauseAsync(string id, CancellationToken cancellationToken = default) => ChangeAsync(id, "pause", cancellationToken);

    /// <summary>Queues a paused job again: it goes on where it stopped.</summary>
    public Task<JobResponse> ResumeAsync(string id, CancellationToken cancellationToken = default) => ChangeAsync(id, "resume", cancellationToken);

    /// <summary>Makes a new job that goes on from the last state of one that has succeeded.</summary>
    /// <param name="steps">Steps to add to every block, at least 1.</param>
    /// <remarks>It has no Idempotency-Key and is not sent again by itself.</remarks>
    public Task<JobResponse> ExtendAsync(string id, int steps, CancellationToken cancellationToken = default) => _http.ReadAsync<JobResponse>(
        EbmHttp.Request(HttpMethod.Post, PathOf(id) + "/extend", EbmHttp.Json(new ExtendJobRequest { Steps = steps })), cancellationToken);

    /// <summary>Says whether the job stays with its results once it has ended, whatever the service's retention settings are.</summary>
    public Task<JobResponse> KeepAsync(string id, bool keep, CancellationToken cancellationToken = default) => _http.ReadAsync<JobResponse>(
        EbmHttp.Request(HttpMethod.Patch, PathOf(id), EbmHttp.Json(new ChangeJobRequest { Keep = keep })), cancellationToken);

    /// <summary>Deletes the record and the results of a job that has ended.</summary>
    public Task DeleteAsync(string id, CancellationToken cancellationToken = default) => _http.DeleteAsync(PathOf(id), cancellationToken);

    internal static string PathOf(string id) => $"{Jobs}/{EbmHttp.Part(id)}";

    private Task<JobResponse> ChangeAsync(string id, string change, CancellationToken cancellationToken) =>
        _http.ReadAsync<JobResponse>(EbmHttp.Request(HttpMethod.Post, $"{PathOf(id)}/{change}"), cancellationToken);
}
