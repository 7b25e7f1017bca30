using EbmService.Core.Datasets;
using EbmService.Core.Failures;
using EbmService.Core.Models;

namespace EbmService.Core.Jobs;

/// <summary>
/// All that the rest of the product knows of one kind of long work. It is registered in one line; nothing else names it.
/// Thread-safe, but for the workloads that it opens.
/// </summary>
public interface IJobType
{
    JobTypeDescription Description { get; }

    /// <summary>Makes a spec of a request: every default filled in, and all that is wrong with it reported together.</summary>
    /// <returns>The spec and the files that came with the request, or why not: field errors are under <c>spec.</c>.</returns>
    Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken);

    /// <summary>Cuts a job into blocks: a pure function of the spec.</summary>
    JobPlan Plan(JobSpec spec);

    /// <summary>Opens a block; called on a slot's thread.</summary>
    /// <param name="checkpoint">Bytes of an earlier <see cref="IWorkload.Save"/>, or null to start at step 0.</param>
    /// <exception cref="FailureException">The model is unavailable, an input file is gone, or the checkpoint is not of
    /// this block.</exception>
    IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint);

    /// <summary>Makes a job's files from its blocks; needs no device thread.</summary>
    /// <param name="blocks">In block order; blocks that never ran are absent.</param>
    /// <param name="stopped">Why the blocks took no further step.</param>
    /// <param name="files">Takes the files; what grows with the job is written block by block.</param>
    /// <returns>Why the job has failed although there are files of it, which are kept; null where it hasn't.</returns>
    Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files);

    /// <summary>
    /// Metrics over the statistics of all blocks, and the stop rule that
    /// they satisfy; nothing where the type has neither.
    /// </summary>
    JobStatistics Compute(JobDefinition job, IReadOnlyList<BlockStatistics> blocks, bool live) => JobStatistics.None;

    /// <summary>How a running job's chains went so far; null where the type has none.</summary>
    JobTraceResponse? Trace(JobDefinition job, IReadOnlyList<BlockStatistics> blocks) => null;

    /// <summary>How many units a block has done at that step.</summary>
    long UnitsAt(JobSpec spec, BlockPlan block, int step) => (long)block.Count * step;

    /// <summary>What stands in the way of so many more steps; null where nothing does.</summary>
    /// <param name="models">The models of the job, in the order of its roles.</param>
    Failure? CheckExtension(JobSpec spec, int steps, IReadOnlyList<HostedModel> models, JobLimits limits) => spec.Extended(0) is null
        ? new Failure(FailureCode.InvalidTransition, $"Work of type {spec.Type} has no steps to add.")
        : null;
}

/// <summary>What a job type is called and how it describes itself to clients.</summary>
/// <param name="Name">The word of the member <c>type</c>, for example <c>sampling</c>.</param>
/// <param name="Summary">What it does, in a sentence.</param>
/// <param name="Unit">The unit of its progress, for example <c>chainSteps</c>.</param>
/// <param name="Request">What the member <c>spec</c> of a request may hold; all of it may be left out.</param>
/// <param name="Spec">The record that derives from <see cref="JobSpec"/>.</param>
public sealed record JobTypeDescription(string Name, string Summary, string Unit, Type Request, Type Spec)
{
    /// <value>The models that it needs, by role; none where it makes one.</value>
    public IReadOnlyList<string> Roles { get; init; } = [JobModel.DefaultRole];

    /// <value>Further roles that a request may give a model, behind <see cref="Roles"/>: <see cref="JobProposal.Optional"/> has them.</value>
    public IReadOnlyList<string> OptionalRoles { get; init; } = [];

    /// <value>Whether it makes a version of the model that a request names, in place of using one.</value>
    public bool MakesModel { get; init; }

    /// <value>What a model must offer to be used.</value>
    public ModelTask Task { get; init; }

    /// <value>
    /// Whether its jobs can be given more steps (<see cref="JobSpec.Extended"/>): the files that this needs stay with their results.
    /// </value>
    public bool IsExtendable { get; init; }

    public IReadOnlyList<MetricDescription> Metrics { get; init; } = [];

    /// <value>Words of its stop rules.</value>
    public IReadOnlyList<string> StopRules { get; init; } = [];

    /// <value>Requests that work against the bundled models.</value>
    public IReadOnlyList<JobExample> Examples { get; init; } = [];
}

/// <summary>How a metric of a job comes from those of its blocks.</summary>
public enum MetricMerge
{
    /// <summary>
    /// The mean, each block weighing as many as its metric <see cref="MetricDescription.Weight"/> says; without one as
    /// many as its items, less those of its metric <see cref="MetricDescription.Less"/>.
    /// </summary>
    Mean,

    Sum,
    Smallest,
    Largest,

    /// <summary>It comes from the blocks' statistics alone.</summary>
    Statistics,
}

/// <summary>One named number of a job's progress.</summary>
/// <param name="Text">What it is, with its unit.</param>
/// <param name="Less">The metric that counts the items of a block that a mean leaves out.</param>
/// <param name="Weight">The metric that counts the items of a block that a mean is over, where that grows while the block runs.</param>
public sealed record MetricDescription(string Name, string Text, MetricMerge Merge, string? Less = null, string? Weight = null)
{
    /// <value>Where an operator sees its value at the end of each job; null: nowhere.</value>
    public MetricHistogram? AtEnd { get; init; }
}

/// <summary>A histogram over jobs, of one metric or of several of one kind.</summary>
/// <param name="Instrument">Its name after the conventions of OpenTelemetry, for example <c>ebm.chain.r_hat</c>.</param>
/// <param name="Unit">As UCUM writes it; null for none.</param>
/// <param name="Bounds">Upper bounds of its buckets, ascending.</param>
public sealed record MetricHistogram(string Instrument, string? Unit, string Text, IReadOnlyList<double> Bounds);

/// <summary>A body of POST /v1/jobs for the OpenAPI document.</summary>
public sealed record JobExample(string Name, string Summary, string Json);

/// <summary>A request on its way to a spec.</summary>
/// <param name="Request">Of the type's <see cref="JobTypeDescription.Request"/>; null where the client sent none.</param>
/// <param name="Models">Ready models, in the order of the type's roles.</param>
/// <param name="DeviceKind">Chooses among what was measured for a model version.</param>
/// <param name="Results">Of other jobs.</param>
/// <param name="Find">Any hosted model version; null where it is gone.</param>
/// <param name="NewSeed">Makes a seed in [0, 2^53) where the request has none.</param>
public sealed record JobProposal(
    object? Request, IReadOnlyList<HostedModel> Models, string DeviceKind, JobLimits Limits, IJobResults Results,
    Func<ModelKey, HostedModel?> Find, Func<long> NewSeed)
{
    /// <value>The model of a type that uses one.</value>
    public HostedModel Model => Models[0];

    /// <value>The models of optional roles that the request gave, by role.</value>
    public IReadOnlyDictionary<string, HostedModel> Optional { get; init; } = new Dictionary<string, HostedModel>();

    /// <value>Whose calibrations the request may name; null for anybody's.</value>
    public string? Tenant { get; init; }

    /// <value>Uploaded rows that a request may name.</value>
    public IDatasets Datasets { get; init; } = NoDatasets.Instance;

    /// <value>The model that a type is to make: its name, and its version where the request says one.</value>
    public (string Name, string? Version) Made { get; init; } = ("", null);
}

/// <summary>The largest jobs this server takes, of any type.</summary>
/// <param name="MaxItems">Items of one job.</param>
/// <param name="MaxSteps">Steps of one block.</param>
/// <param name="MaxElementSteps">Passes through the model x numbers in one input.</param>
/// <param name="MaxResultNumbers">Numbers in one result file.</param>
/// <param name="MaxInlineNumbers">Numbers of a tensor inside a spec, which travels with every answer about the job.</param>
public sealed record JobLimits(
    int MaxItems = 65_536, int MaxSteps = 1_000_000, double MaxElementSteps = 1e12, double MaxResultNumbers = 1 << 28,
    int MaxInlineNumbers = 1 << 17);

/// <summary>A validated spec, and the files that came inside the request.</summary>
public sealed record AcceptedJob(JobSpec Spec)
{
    /// <value>The version that the job makes, where it makes one.</value>
    public ModelKey? Makes { get; init; }

    /// <value>What the job will take of the machine.</value>
    public JobFootprint Footprint { get; init; } = JobFootprint.Unknown;

    /// <value>What looks wrong with the request though nothing forbids it, a sentence each.</value>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <value>Contents of those <see cref="JobSpec.Inputs"/> that are no other job's results, by name.</value>
    public IReadOnlyDictionary<string, byte[]> Attachments { get; init; } = new Dictionary<string, byte[]>();
}

/// <summary>Finds what other jobs have left. Thread-safe.</summary>
public interface IJobResults
{
    /// <summary>The job with its live progress, or <see cref="FailureCode.JobNotFound"/>.</summary>
    Task<Outcome<JobSnapshot>> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>Opens a result for reading: its entry and a seekable stream that the caller disposes.</summary>
    /// <returns><see cref="FailureCode.JobNotFound"/> or <see cref="FailureCode.ResultNotFound"/> otherwise.</returns>
    Task<Outcome<JobResult>> OpenResultAsync(string id, string name, CancellationToken cancellationToken);
}

/// <summary>One result file, open.</summary>
public sealed record JobResult(ResultEntry Entry, Stream Content);

/// <summary>What a job will take of the machine, estimated before it is taken in.</summary>
/// <param name="StepBytes">Memory that one block needs on a slot: its items and a pass through the model with gradient.</param>
/// <param name="ResultBytes">All that the job's blocks leave, once, but for <see cref="StreamedBytes"/>.</param>
public sealed record JobFootprint(double StepBytes, double ResultBytes)
{
    /// <summary>
    /// Of <see cref="ResultBytes"/>, for each block whatever its size: its place in the plan, its state and its latest report. Measured
    /// with 60 000 blocks: 2 kB of memory each, in which a result is counted four times.
    /// </summary>
    public const double BytesPerBlock = 512;

    /// <value>Of a job whose type does not say.</value>
    public static JobFootprint Unknown { get; } = new(0, 0);

    /// <value>
    /// Of results, what goes to the disk in parts and is read from it in parts: it is there twice, and never in memory.
    /// </value>
    public double StreamedBytes { get; init; }

    /// <value>The member of the request that <see cref="StepBytes"/> shrinks with.</value>
    public string StepField { get; init; } = "spec";

    /// <value>The member of the request that <see cref="ResultBytes"/> shrinks with.</value>
    public string ResultField { get; init; } = "spec";

    /// <value>What to change where the results are too large, a sentence; null where <see cref="ResultField"/> says enough.</value>
    public string? ResultRemedy { get; init; }
}

/// <summary>A block and the statistics of its latest report that had them.</summary>
public sealed record BlockStatistics(BlockPlan Block, ReadOnlyMemory<byte> Content);

/// <summary>What the statistics of a job's blocks say together.</summary>
/// <param name="Metrics">Further metrics of the job, which take the place of the reports' numbers of the same name.</param>
/// <param name="Verdict">The word of the stop rule that is satisfied; null to go on.</param>
public sealed record JobStatistics(IReadOnlyDictionary<string, double> Metrics, string? Verdict = null)
{
    public static JobStatistics None { get; } = new(new Dictionary<string, double>());
}

/// <summary>Computes metrics over a job's blocks and judges its stop rules. Pure and thread-safe; called off the slots' threads.</summary>
public interface IJobStatistician
{
    /// <param name="job">The job.</param>
    /// <param name="blocks">The blocks that have statistics.</param>
    /// <param name="live">True for progress: less precise where that saves time, and no verdict is asked. False where a
    /// decision or a file depends on it.</param>
    JobStatistics Compute(JobDefinition job, IReadOnlyList<BlockStatistics> blocks, bool live);

    /// <summary>How a running job's chains went so far; null where its type has none.</summary>
    JobTraceResponse? Trace(JobDefinition job, IReadOnlyList<BlockStatistics> blocks) => null;

    /// <summary>
    /// The job's metrics: the blocks' numbers put together as each asks for, then those of
    /// <paramref name="statistics"/>. Cheap.
    /// </summary>
    /// <param name="blocks">The latest report of each block that has one.</param>
    IReadOnlyDictionary<string, double> Merge(
        JobDefinition job, IReadOnlyList<(BlockPlan Block, StepReport Report)> blocks, JobStatistics? statistics);

    /// <summary>How many units a block has done at that step, and at its last step how many it has.</summary>
    long UnitsAt(JobSpec spec, BlockPlan block, int step);

    /// <summary>The unit of the type's progress.</summary>
    string UnitOf(JobSpec spec);
}
