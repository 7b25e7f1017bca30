using System.Text.Json;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Inference.Data;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;
using EbmService.Inference.Tests.JobTypes.Training;
using EbmService.Inference.Tests.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EbmService.Inference.Tests.JobTypes;

/// <summary>All job types over small models on disk, without an engine: a test opens and advances the blocks itself.</summary>
internal sealed class JobTypeHost : IJobInputs, IJobResults, IDisposable
{
    private const string JobId = "contract";
    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services;
    private readonly Dictionary<string, byte[]> _inputs = [];

    public JobTypeHost()
    {
        TestModels.Write(_folder.Path, "jem", "conv-jem", calibration: [-3, -2, -1, 0, 1, 2, 3, 4, 5]);
        TestModels.Write(_folder.Path, "gaussian", "gaussian");
        TestModels.Write(_folder.Path, "wells", "double-well");
        TestModels.Write(_folder.Path, "rbm", "rbm");
        TestModels.Write(_folder.Path, "ising", "ising");
        TestModels.WriteStrongRbm(_folder.Path, "strong");
        var services = new ServiceCollection();
        services.AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        services.Configure<ModelsOptions>(options => options.Path = _folder.Path);
        services.Configure<DeviceOptions>(options => options.Kind = "cpu");
        services.Configure<TrainingOptions>(options => options.Enabled = true);
        services.Configure<DataOptions>(options => options.Path = TrainingDataFolder.Write(_folder.Path));
        services.AddSingleton<IJobInputs>(this);
        services.AddSingleton<IJobLogs>(Logs);
        services.AddInference();
        _services = services.BuildServiceProvider();
    }

    public MemoryLogs Logs { get; } = new();

    public IModelCatalog Models => _services.GetRequiredService<IModelCatalog>();

    /// <value>Where the named data sets lie.</value>
    public string DataFolder => Path.Combine(_folder.Path, ".data");

    public JobTypeRegistry Types => _services.GetRequiredService<JobTypeRegistry>();

    public IWorkloadFactory Workloads => _services.GetRequiredService<IWorkloadFactory>();

    public IQueryEvaluator Queries => _services.GetRequiredService<IQueryEvaluator>();

    public static QuantumBudget Budget(TimeSpan length)
    {
        var budget = new QuantumBudget(TimeProvider.System);
        budget.Start(length);
        return budget;
    }

    /// <summary>What becomes of a request.</summary>
    public async Task<Outcome<JobDefinition>> AcceptAsync(string typeName, string model, string spec)
    {
        Outcome<AcceptedJob> accepted = await OfferAsync(typeName, model, spec);
        if (!accepted.Succeeded)
            return accepted.Failure;
        foreach ((string name, byte[] content) in accepted.Value.Attachments)
            _inputs[name] = content;
        if (accepted.Value.Makes is { } makes)
            return new JobDefinition(JobId, [JobModel.Making(makes)], accepted.Value.Spec);
        return new JobDefinition(JobId, _services.GetRequiredService<IModelCatalog>().Find(model).OrThrow().Reference(), accepted.Value.Spec);
    }

    /// <summary>What the type makes of a request.</summary>
    public async Task<Outcome<AcceptedJob>> OfferAsync(string typeName, string model, string spec)
    {
        IJobType type = Types.Find(typeName)!;
        object? request = JsonSerializer.Deserialize(spec, type.Description.Request, EbmJson.Options);
        var catalog = _services.GetRequiredService<IModelCatalog>();
        HostedModel[] used = type.Description.MakesModel ? [] : [catalog.Find(model).OrThrow()];
        var proposal = new JobProposal(request, used, "cpu", new JobLimits(), this, key => catalog.Find(key.Name, key.Version).Value, () => 5)
        {
            Made = (model, null),
        };
        return await type.AcceptAsync(proposal, TestContext.Current.CancellationToken);
    }

    /// <summary>Gives jobs an input.</summary>
    public void Attach(string name, byte[] content) => _inputs[name] = content;

    public Stream Open(string jobId, JobInput input) => new MemoryStream(_inputs[input.Name], writable: false);

    public Task<Outcome<JobSnapshot>> FindAsync(string id, CancellationToken cancellationToken) =>
        Task.FromResult<Outcome<JobSnapshot>>(new Failure(FailureCode.JobNotFound, "There is no other job here."));

    public Task<Outcome<JobResult>> OpenResultAsync(string id, string name, CancellationToken cancellationToken) =>
        Task.FromResult<Outcome<JobResult>>(new Failure(FailureCode.JobNotFound, "There is no other job here."));

    public void Dispose()
    {
        _services.Dispose();
        _folder.Dispose();
    }
}
