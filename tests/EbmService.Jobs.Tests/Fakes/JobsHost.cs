using EbmService.Core.Datasets;
using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Queries;
using EbmService.Jobs.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Tests.Fakes;

/// <summary>The real project over a real database in a folder of its own, with fakes at the ports of Core.</summary>
internal sealed class JobsHost : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly bool _ownsFolder;
    private IHost? _host;

    public JobsHost(string? folder = null)
    {
        _ownsFolder = folder is null;
        Folder = folder ?? Directory.CreateTempSubdirectory("ebm-jobs-").FullName;
        Disk = new FakeDisk(Death);
    }

    public string Folder { get; }

    /// <value>One slot unless a test says otherwise.</value>
    public Dictionary<string, string?> Settings { get; } = new() { ["Worker:Slots"] = "1" };

    public FakeWorkloads Workloads { get; } = new();

    public Death Death { get; } = new();

    public FakeDisk Disk { get; }

    public FakeDatabase Database { get; } = new();

    public FakeDevice Device { get; } = new();

    public FakeAssembler Assembler { get; } = new();

    public FakeDiagnostician Diagnostician { get; } = new();

    public FakeModels Models { get; } = new();

    public FakeEvaluator Evaluator { get; } = new();

    public FakeWarmUp WarmUp { get; } = new();

    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public IJobService Jobs => Get<IJobService>();

    public IQueryDispatcher Queries => Get<IQueryDispatcher>();

    public IWorkerMonitor Monitor => Get<IWorkerMonitor>();

    public T Get<T>() where T : notnull => _host!.Services.GetRequiredService<T>();

    public async Task<JobsHost> StartAsync()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        Settings["Storage:DataPath"] = Folder;
        builder.Configuration.AddInMemoryCollection(Settings);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        builder.Services.AddMetrics();
        var types = new JobTypeRegistry([new FakeJobType(Workloads, Assembler, Diagnostician)]);
        builder.Services.AddSingleton(Clock).AddSingleton<IComputeDevice>(Device).AddSingleton<IWorkloadFactory>(Workloads)
            .AddSingleton(types).AddSingleton<IResultAssembler>(types).AddSingleton<IJobPlanner>(types).AddSingleton<IJobStatistician>(types)
            .AddSingleton<IQueryEvaluator>(Evaluator).AddSingleton<JobDisk>(Disk).AddSingleton<IModelCatalog>(Models).AddSingleton<IModelWarmUp>(WarmUp)
            .AddSingleton<IDatasetConverter, FakeConverter>()
            .AddJobs(builder.Configuration).ConfigureDbContext<JobsDbContext>(context => context.AddInterceptors(Death, Database));
        _host = builder.Build();
        await _host.StartAsync();
        return this;
    }

    public static SamplingSpec Spec(long seed = 0, int chains = 4, int steps = 3, int blockSize = 4, int previewEvery = 0) => new()
    {
        Chains = chains, Steps = steps, Seed = seed, BlockSize = blockSize, PreviewEvery = previewEvery, Recipe = "langevin",
        Kernel = SamplingKernel.Sgld, StepSize = 1, Noise = 1, Order = UpdateOrder.GradientFirst, GradientClip = new(), StateClamp = new(),
        Schedule = new(), Labels = [], Start = ChainStart.Base, FreshShare = 0, Precision = SamplingPrecision.Float32,
    };

    public static JobSubmission Submission(SamplingSpec? spec = null, int priority = 0, string model = "m") =>
        new(new ModelReference(model, "1", "sha256:00"), spec ?? Spec()) { Priority = priority, Tags = ["t"] };

    public static ModelQuery Query(params float[] values) => new()
    {
        Model = new("m", "1"), Kind = QueryKind.Energy, Inputs = new TensorPayload([values.Length, 1], values),
    };

    public async Task<JobSnapshot> SubmitAsync(SamplingSpec? spec = null, int priority = 0, string model = "m") =>
        (await Jobs.SubmitAsync(Submission(spec, priority, model), default)).OrThrow();

    public async Task<JobSnapshot> FindAsync(string id) => (await Jobs.FindAsync(id, default)).OrThrow();

    /// <summary>Waits for something that comes without a signal.</summary>
    public static async Task EventuallyAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!condition())
            await Task.Delay(5, limit.Token);
    }

    public async Task<JobSnapshot> EndOfAsync(string id)
    {
        JobSnapshot job = (await Jobs.WaitAsync(id, Patience, default)).OrThrow();
        Assert.True(job.Status.IsTerminal(), $"job is still {job.Status}");
        return job;
    }

    public async Task<string> ReadResultAsync(string id, string name = "samples.txt")
    {
        using var reader = new StreamReader((await Jobs.OpenResultAsync(id, name, default)).OrThrow().Content);
        return await reader.ReadToEndAsync();
    }

    /// <summary>Makes a row what a process that died at the right moment would have left.</summary>
    public async Task EditBeforeStartAsync(string id, Action<JobRow> change)
    {
        await using var context = new JobsDbContext(
            new DbContextOptionsBuilder<JobsDbContext>().UseSqlite($"Data Source={Path.Combine(Folder, "jobs.db")}").Options);
        change(await context.Jobs.Include(row => row.Blocks).SingleAsync(row => row.Id == id));
        await context.SaveChangesAsync();
    }

    /// <summary>Stops while a block is inside a step, and lets that step end once no further one may begin.</summary>
    public async Task StopAfterAsync(Action release)
    {
        Get<EbmService.Jobs.Slots.SlotBoard>().Stop();
        release();
        await StopAsync();
    }

    public async Task StopAsync()
    {
        if (_host is null)
            return;
        await _host.StopAsync();
        _host.Dispose();
        _host = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Assert.Empty(Workloads.Violations);
        SqliteConnection.ClearAllPools();
        if (_ownsFolder)
            Directory.Delete(Folder, recursive: true);
    }
}
