using System.Security.Cryptography;
using System.Text.Json;
using EbmService.Core.Calibration;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Core.Scoring;
using EbmService.Core.Tensors;

namespace EbmService.Core.Tests.Scoring;

/// <summary>Proposes scoring jobs, beside other jobs that have left results.</summary>
internal sealed class ScoringCaller : IJobResults, ICalibrations
{
    private readonly List<CalibrationEntry> _calibrations = [];
    private readonly Dictionary<string, (JobSnapshot Job, byte[] Content)> _jobs = [];

    /// <value>Of inputs of shape [2] between -4 and 4.</value>
    public static HostedModel Plane { get; } = Model(new InputSchema(InputKind.Vector, [2], -4, 4));

    public JobLimits Limits { get; init; } = new();

    public static HostedModel Model(InputSchema input) => new()
    {
        Key = new("plane", "1"),
        State = ModelState.Ready,
        Descriptor = new ModelDescriptor { Name = "plane", Title = "plane", Architecture = new() { Kind = "mlp" }, Input = input },
    };

    public static string Npy(params int[] shape) => Convert.ToBase64String(Array(shape));

    public static byte[] Array(params int[] shape) => NpyFormat.Write(new TensorPayload(
        shape, [.. Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(i => (float)Math.Sin(3 + 11 * i))]));

    /// <summary>Another job that has left one result.</summary>
    public ScoringCaller With(string id, byte[] content, JobStatus status = JobStatus.Succeeded, string result = "samples.npy")
    {
        var entry = new ResultEntry(result, NpyFormat.MediaType, content.Length, Convert.ToHexStringLower(SHA256.HashData(content)));
        _jobs[id] = (new JobSnapshot
        {
            Id = id, Status = status, Models = JobModel.Only(new("plane", "1", "sha256:")), Spec = new UnreadableSpec("other"),
            Progress = new(), CreatedAt = default, Results = [entry],
        }, content);
        return this;
    }

    /// <summary>A calibration that a job has made of the model.</summary>
    public ScoringCaller With(string calibration, bool isDefault, params string[] scores)
    {
        _calibrations.Add(new CalibrationEntry
        {
            Name = calibration, Version = 1, Id = $"sha256:{calibration}", Model = Plane.Reference(), Score = scores[0], Scores = scores, FitRows = 1, ReferenceRows = 1,
            CalibrationRows = 1, SmallestPValue = 0.5, Sha256 = "", Job = "job", MakesDefault = isDefault,
        });
        return this;
    }

    public IReadOnlyList<CalibrationEntry> List(string model) => _calibrations;

    public CalibrationEntry? Add(CalibrationEntry entry, ReadOnlySpan<byte> content) => null;

    public byte[]? Read(CalibrationEntry entry) => null;

    public Task<Outcome<AcceptedJob>> OfferAsync(string spec, HostedModel? model = null)
    {
        var request = JsonSerializer.Deserialize<ScoringRequest>(spec, EbmJson.Options);
        var proposal = new JobProposal(request, [model ?? Plane], "cpu", Limits, this, _ => null, () => 1);
        return ScoringAcceptance.AcceptAsync(proposal, this, TestContext.Current.CancellationToken);
    }

    /// <summary>The only error of a request that is refused.</summary>
    public async Task<FieldError> RefusedAsync(string spec, HostedModel? model = null) =>
        Assert.Single((await OfferAsync(spec, model)).Failure?.Fields ?? []);

    public Task<Outcome<JobSnapshot>> FindAsync(string id, CancellationToken cancellationToken) => Task.FromResult<Outcome<JobSnapshot>>(
        _jobs.TryGetValue(id, out (JobSnapshot Job, byte[] Content) known) ? known.Job
        : new Failure(id == "unreadable" ? FailureCode.StorageBusy : FailureCode.JobNotFound, "No such job."));

    public Task<Outcome<JobResult>> OpenResultAsync(string id, string name, CancellationToken cancellationToken) =>
        Task.FromResult<Outcome<JobResult>>(_jobs[id].Content.Length == 0
            ? new Failure(FailureCode.ResultNotFound, "The file is gone.")
            : new JobResult(_jobs[id].Job.Results[0], new MemoryStream(_jobs[id].Content)));
}
