using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Inference;
using EbmService.Jobs;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EbmService.Cli.Engine;

/// <summary>
/// The service's job engine in this process, on a temporary data folder: the same acceptance, admission, slots, workloads and result files, so the
/// same bits. When it is disposed its slots end their quantum and the folder goes. Thread-safe.
/// </summary>
internal sealed class LocalEngine : IJobRunner, IAsyncDisposable
{
    /// <summary>A server bounds what one client may take of it; here only what a result file can hold is a bound.</summary>
    private static readonly JobLimits Limits = new(
        MaxItems: int.MaxValue, MaxSteps: int.MaxValue, MaxElementSteps: double.MaxValue, MaxInlineNumbers: int.MaxValue);

    private readonly string _dataFolder = Directory.CreateTempSubdirectory("ebm-").FullName;
    private readonly FailureLog _failures = new();
    private readonly string _modelName;
    private readonly IHost _host;
    private readonly CancellationTokenSource _starting = new();
    private readonly Task _start;
    private bool _isDisposed;

    private LocalEngine(string repository, string modelName, Action<IServiceCollection>? replace)
    {
        _modelName = modelName;
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(_failures);
        builder.Services.AddModels(repository).AddJobs(builder.Configuration).AddAssessment();
        builder.Services.AddSingleton<IJobRunner>(this);
        builder.Services.AddSingleton<IHostLifetime, CommandLifetime>();
        Configure(builder.Services);
        replace?.Invoke(builder.Services);
        _host = builder.Build();
        // Beside whatever the command does before its first job: reading its model takes as long.
        _start = Task.Run(() => _host.StartAsync(_starting.Token));
    }

    /// <param name="modelFolder">A model's folder; its parent is the repository.</param>
    /// <param name="replace">For tests: takes the place of some of the services.</param>
    public static LocalEngine Open(string modelFolder, Action<IServiceCollection>? replace = null)
    {
        (string repository, string name) = ModelHost.Locate(modelFolder);
        return new LocalEngine(repository, name, replace);
    }

    /// <value>What clients of the service can do with jobs; <see cref="SubmitAsync"/> makes them.</value>
    public IJobService Jobs => Get<IJobService>();

    public DeviceInfo Device => Get<IComputeDevice>().Info;

    public T Get<T>()
        where T : notnull => _host.Services.GetRequiredService<T>();

    /// <summary>The asked version of the model, or its newest ready one.</summary>
    public HostedModel Find(string? version) => ModelHost.Find(_host.Services, _modelName, version);

    public async Task<FinishedJob> RunAsync(
        string type, HostedModel model, object request, Action<JobProgress>? report, CancellationToken cancellationToken)
    {
        await _start;
        return await RunAsync(await AcceptAsync(type, model, request, Jobs, cancellationToken), report, cancellationToken);
    }

    /// <summary>Makes a job of a request as POST /v1/jobs does.</summary>
    /// <param name="results">Those that the request may start from.</param>
    /// <param name="others">Models of optional roles.</param>
    /// <exception cref="FailureException">The request was refused.</exception>
    public async Task<JobSubmission> AcceptAsync(
        string type, HostedModel model, object request, IJobResults results, CancellationToken cancellationToken,
        IReadOnlyDictionary<string, HostedModel>? others = null)
    {
        others ??= new Dictionary<string, HostedModel>();
        IJobType known = Get<JobTypeRegistry>().Find(type) ?? throw new ArgumentException($"no job type '{type}' is registered", nameof(type));
        foreach (HostedModel one in others.Values.Prepend(model))
        {
            if (CapabilityRules.Refuse(one, known.Description.Task) is { } refusal)
                throw new FailureException(refusal);
        }
        HostedModel? FindModel(ModelKey key) => Get<IModelCatalog>().Find(key.Name, key.Version).Value;
        var proposal = new JobProposal(request, [model], Device.Kind, Limits, results, FindModel, RandomSeed.New)
        {
            Datasets = Get<IDatasetService>(),
            Optional = others,
        };
        AcceptedJob accepted = (await known.AcceptAsync(proposal, cancellationToken)).OrThrow();
        // Its footprint is left out: nothing else needs a share of the machine kept free.
        JobModel[] used = [JobModel.Create(JobModel.DefaultRole, model.Reference()), .. others.Select(one => JobModel.Create(one.Key, one.Value.Reference()))];
        return new JobSubmission(used, accepted.Spec) { Attachments = accepted.Attachments, Warnings = accepted.Warnings };
    }

    /// <summary>Queues a job and waits for nothing.</summary>
    /// <returns>Its id.</returns>
    /// <exception cref="FailureException">It was refused.</exception>
    public async Task<string> SubmitAsync(JobSubmission submission, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await _start;
        return (await Jobs.SubmitAsync(submission, cancellationToken)).OrThrow().Id;
    }

    /// <summary>As <see cref="IJobRunner.RunAsync"/>, for a job that was made by <see cref="AcceptAsync"/>.</summary>
    public async Task<FinishedJob> RunAsync(JobSubmission submission, Action<JobProgress>? report, CancellationToken cancellationToken)
    {
        string id = await SubmitAsync(submission, cancellationToken);
        await foreach (JobLogEntry entry in Jobs.WatchAsync(id, afterSequence: 0, cancellationToken))
        {
            if (entry is JobProgressEntry { Progress: var progress })
                report?.Invoke(progress);
            if (entry is not JobChangedEntry { Job: var job } || !job.Status.IsTerminal())
                continue;
            if (job.Status == JobStatus.Failed)
                Throw(job.Error!);
            if (job.Status == JobStatus.Cancelled)
                break;
            report?.Invoke(job.Progress);
            return new FinishedJob(job, Jobs);
        }
        throw new OperationCanceledException("The job was cancelled.");
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;
        await _starting.CancelAsync();
        await _start.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _host.StopAsync(CancellationToken.None);
        await ((IAsyncDisposable)_host).DisposeAsync();
        _starting.Dispose();
        try
        {
            Directory.Delete(_dataFolder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Where open files can't be deleted the system clears its temporary folder itself.
        }
    }

    private void Configure(IServiceCollection services)
    {
        services.Configure<StorageOptions>(options => options.DataPath = _dataFolder);
        services.Configure<WorkerOptions>(options =>
        {
            // No process goes on with what this one leaves.
            options.CheckpointSeconds = 3600;
            options.ModelWaitSeconds = 0;
            options.DiagnosticsSeconds = 1;
            // Models must not be disposed under a slot; whoever can't wait sends a second signal.
            options.StopSeconds = 600;
        });
        services.Configure<HostOptions>(options => options.ShutdownTimeout = Timeout.InfiniteTimeSpan);
    }

    /// <summary>A defect is told as what it is; the service tells it to its log alone.</summary>
    [DoesNotReturn]
    private void Throw(Failure failure)
    {
        if (failure.Code == FailureCode.Internal && _failures.Latest is { } exception)
            ExceptionDispatchInfo.Throw(exception);
        throw new FailureException(failure);
    }

    /// <summary>Signals are the program's, which cancels the command.</summary>
    private sealed class CommandLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
