using EbmService.Core.Calibration;
using EbmService.Core.Datasets;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Keys;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Monitoring;
using EbmService.Jobs.Progress;
using EbmService.Jobs.Queries;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Retention;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Storage;
using EbmService.Jobs.Telemetry;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs;

public static class JobsServiceCollectionExtensions
{
    internal const string DatabaseFile = "jobs.db";

    /// <summary>How long one try of a statement waits for another program; who has more patience tries again.</summary>
    private const int TrySeconds = 1;

    /// <summary>
    /// Admission, scheduling, the device worker and persistence. The caller also registers the ports of Core that compute:
    /// JobTypeRegistry (as IJobPlanner, IResultAssembler and IJobStatistician too), IWorkloadFactory, IQueryEvaluator,
    /// IModelCatalog, IModelWarmUp, IDatasetConverter and IComputeDevice.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">Sections <c>Storage</c>, <c>Worker</c> and <c>Limits</c>; all may be absent.</param>
    public static IServiceCollection AddJobs(this IServiceCollection services, IConfiguration configuration)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services.AddOptions(configuration).AddMeters().AddStorage().AddProgress().AddExecution().AddQueries().AddAdmission().AddRetention();
    }

    /// <summary>The keys of a data folder alone, for programs other than the service.</summary>
    public static IServiceCollection AddApiKeys(this IServiceCollection services, string dataPath)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.Configure<StorageOptions>(storage => storage.DataPath = dataPath);
        return services.AddLogging().AddSingleton<StorageMetrics>().AddDatabase();
    }

    private static IServiceCollection AddOptions(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<StorageOptions>().Bind(configuration.GetSection(StorageOptions.Section)).ValidateOnStart();
        services.AddOptions<WorkerOptions>().Bind(configuration.GetSection(WorkerOptions.Section)).ValidateOnStart();
        IConfigurationSection limits = configuration.GetSection(JobLimitsOptions.Section);
        services.AddOptions<JobLimitsOptions>().Bind(limits).ValidateOnStart()
            .Validate(_ => limits["MaxQueuedQuestions"] is null && limits["MaxQuestionRows"] is null,
                "Limits:MaxQueuedQuestions and Limits:MaxQuestionRows are called MaxQueuedQueries and MaxQueryRows now: rename them.");
        services.AddOptions<QuotaOptions>().Bind(configuration.GetSection(QuotaOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<QuotaOptions>, QuotaOptionsValidator>();
        services.AddOptions<JobsTelemetryOptions>().Bind(configuration.GetSection(JobsTelemetryOptions.Section));
        services.AddOptions<DatasetOptions>().Bind(configuration.GetSection(DatasetOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<DatasetOptions>, DatasetOptionsValidator>();
        services.AddSingleton<IValidateOptions<StorageOptions>, StorageOptionsValidator>();
        services.AddSingleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidator>();
        return services.AddSingleton<IValidateOptions<JobLimitsOptions>, JobLimitsOptionsValidator>();
    }

    private static IServiceCollection AddMeters(this IServiceCollection services) => services
        .AddSingleton<TenantTag>()
        .AddSingleton<JobsMetrics>()
        .AddSingleton<QueryMetrics>()
        .AddSingleton<SlotMetrics>()
        .AddSingleton<StorageMetrics>()
        .AddSingleton<ResourceMetrics>()
        .AddSingleton<RetentionMetrics>();

    private static IServiceCollection AddStorage(this IServiceCollection services)
    {
        services.TryAddSingleton<JobDisk>();
        return services.AddDatabase().AddFiles();
    }

    private static IServiceCollection AddDatabase(this IServiceCollection services) => services
        .AddDbContextFactory<JobsDbContext>((provider, context) =>
        {
            string folder = Path.GetFullPath(provider.GetRequiredService<IOptions<StorageOptions>>().Value.DataPath);
            string file = Path.Combine(folder, DatabaseFile);
            var connection = new SqliteConnectionStringBuilder { DataSource = file, DefaultTimeout = TrySeconds };
            context.UseSqlite(connection.ConnectionString);
            context.ConfigureWarnings(warnings => warnings.Log((RelationalEventId.CommandExecuted, LogLevel.Debug)));
        })
        .AddSingleton<DatabaseWriter>()
        .AddSingleton<DatabaseReader>()
        .AddSingleton<JobRowMapper>()
        .AddSingleton<JobStore>()
        .AddSingleton<IApiKeys, ApiKeyStore>();

    private static IServiceCollection AddFiles(this IServiceCollection services) => services
        .AddSingleton<JobFolders>()
        .AddSingleton<BlockArchive>()
        .AddSingleton<ResultStore>()
        .AddSingleton<CheckpointStore>()
        .AddSingleton<DatasetStore>()
        .AddSingleton<IDatasetService>(provider => provider.GetRequiredService<DatasetStore>())
        .AddSingleton<IDatasets>(provider => provider.GetRequiredService<DatasetStore>())
        .AddSingleton<TenantStorage>()
        .AddSingleton<ITenantStorage>(provider => provider.GetRequiredService<TenantStorage>())
        .AddSingleton<ICalibrations, CalibrationStore>()
        .AddSingleton<JobInputs>()
        .AddSingleton<IJobInputs>(provider => provider.GetRequiredService<JobInputs>())
        .AddSingleton<BlockLogs>()
        .AddSingleton<IJobLogs>(provider => provider.GetRequiredService<BlockLogs>())
        .AddSingleton<JobFiles>()
        // Before the worker, which opens the database.
        .AddSingleton<DataFolderLock>()
        .AddHostedService(services => services.GetRequiredService<DataFolderLock>());

    private static IServiceCollection AddProgress(this IServiceCollection services) => services
        .AddSingleton<JobEventHub>()
        .AddSingleton<ProgressSummary>();

    private static IServiceCollection AddExecution(this IServiceCollection services) => services
        .AddSingleton<LiveJobs>()
        .AddSingleton<JobEndings>()
        .AddSingleton<CheckpointWriter>()
        .AddSingleton<JobRecorder>()
        .AddSingleton<LiveDiagnostics>()
        .AddSingleton<JobStops>()
        .AddSingleton<JobModels>()
        .AddSingleton<SlotChoice>()
        .AddSingleton<SlotBoard>()
        .AddSingleton<IJobDuties, JobDuties>()
        .AddSingleton<BlockOutcomes>()
        .AddTransient<SlotWorkloads>()
        .AddHostedService<WorkerService>();

    private static IServiceCollection AddQueries(this IServiceCollection services) => services
        .AddSingleton<QueryAnswerer>()
        .AddSingleton<IQueryDispatcher, QueryDispatcher>();

    // After the worker, which brings the database up to date.
    private static IServiceCollection AddRetention(this IServiceCollection services) => services
        .AddSingleton<RetentionPolicy>()
        .AddSingleton<JobPins>()
        .AddSingleton<RetentionSweep>()
        .AddHostedService(services => services.GetRequiredService<RetentionSweep>());

    private static IServiceCollection AddAdmission(this IServiceCollection services) => services
        .AddSingleton<JobResources>()
        .AddSingleton<JobAdmission>()
        .AddSingleton<IdempotentAdmission>()
        .AddSingleton<JobRecovery>()
        .AddSingleton<JobLookup>()
        .AddSingleton<JobActions>()
        .AddSingleton<JobIntake>()
        .AddSingleton<JobInputIntake>()
        .AddSingleton<JobExtension>()
        .AddSingleton<IJobService, JobService>()
        .AddSingleton<IWorkerMonitor, WorkerMonitor>()
        .AddSingleton<IServiceMonitor, ServiceMonitor>()
        .AddSingleton<IJobMonitor, JobMonitor>();
}
