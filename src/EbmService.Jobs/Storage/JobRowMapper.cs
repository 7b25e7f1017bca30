using System.Text.Json;
using System.Text.Json.Nodes;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Retention;

namespace EbmService.Jobs.Storage;

/// <summary>Between rows and what the rest of the product calls a job.</summary>
internal sealed class JobRowMapper(JobTypeRegistry types, RetentionPolicy retention)
{
    public static string ToJson<T>(T value) => JsonSerializer.Serialize(value, EbmJson.Options);

    public static T FromJson<T>(string text) =>
        JsonSerializer.Deserialize<T>(text, EbmJson.Options) ?? throw new JsonException("a stored document is null");

    /// <param name="startStep">Where every block begins.</param>
    public static JobRow ToRow(JobSnapshot job, JobPlan plan, int epoch, int startStep = 0) => new()
    {
        Id = job.Id,
        Status = job.Status,
        Type = job.Spec.Type,
        ModelName = job.Model.Name,
        ModelVersion = job.Model.Version,
        ModelDigest = job.Model.Digest,
        Models = ToJson(job.Models),
        Spec = ToJson(job.Spec),
        Priority = job.Priority,
        Tags = ToJson(job.Tags),
        Tenant = job.Tenant,
        Warnings = job.Warnings.Count == 0 ? null : ToJson(job.Warnings),
        Extends = job.Extends,
        TraceParent = job.TraceParent,
        Keep = job.Keep,
        Attempt = job.Attempt,
        Epoch = epoch,
        CreatedAt = job.CreatedAt,
        Progress = ToJson(job.Progress),
        Results = "[]",
        Blocks = [.. plan.Blocks.Select(block => new BlockRow
        {
            JobId = job.Id,
            Index = block.Index,
            Offset = block.Offset,
            Count = block.Count,
            Steps = block.Steps,
            LeaseEpoch = epoch,
            Step = startStep,
        })],
    };

    /// <summary>Where each block begins in this job; 0 for a done one, of which it does not matter any more.</summary>
    public static IReadOnlyList<int> ToStartSteps(JobRow row) =>
        [.. row.Blocks.OrderBy(block => block.Index).Select(block => block.State == BlockRowState.Done ? 0 : block.Step)];

    /// <summary>The job; one whose row can't be read is shown as failed, with the reason, and nothing else suffers by it.</summary>
    public JobSnapshot ToSnapshot(JobRow row)
    {
        try
        {
            return retention.Complete(Read(row));
        }
        catch (Exception e) when (IsOfContent(e))
        {
            return ToUnreadable(row);
        }
    }

    /// <summary>Why a job whose row can't be read counts as failed.</summary>
    public Failure WhyUnreadable(JobRow row) => new(FailureCode.Internal,
        types.Find(row.Type) is null
            ? $"The stored job is of the type '{row.Type}', which this version of the service does not know."
            : "The stored job can't be read by this version of the service: its record is damaged, or a newer version wrote it.",
        "Run the version that stored it, or delete it and submit it again.");

    /// <summary>What of the job's files is still needed; of a type that is not known here, all that it may be extended by.</summary>
    public NeededFiles FilesOf(StoredEnd job) => job.Status switch
    {
        JobStatus.Failed => job.HasResults ? NeededFiles.Results : NeededFiles.None,
        JobStatus.Cancelled => NeededFiles.Results,
        JobStatus.Succeeded when Extendability.IsExtendable(job.Status, job.StopReason)
            && types.Find(job.Type) is null or { Description.IsExtendable: true } => NeededFiles.ResultsAndState,
        JobStatus.Succeeded => NeededFiles.Results,
        _ => NeededFiles.All,
    };

    /// <exception cref="Exception">The row can't be read.</exception>
    public JobSnapshot Read(JobRow row) => new()
    {
        Id = row.Id,
        Status = Enum.IsDefined(row.Status) ? row.Status : throw new JsonException("the stored status is not known here"),
        Models = row.Models is null
            ? JobModel.Only(new ModelReference(row.ModelName, row.ModelVersion, row.ModelDigest))
            : FromJson<JobModel[]>(row.Models),
        Spec = types.ReadSpec(row.Type, row.Spec),
        Priority = row.Priority,
        Tags = FromJson<string[]>(row.Tags),
        Tenant = row.Tenant,
        Warnings = row.Warnings is null ? [] : FromJson<string[]>(row.Warnings),
        Extends = row.Extends,
        TraceParent = row.TraceParent,
        Keep = row.Keep,
        StopReason = row.Status is JobStatus.Succeeded or JobStatus.Cancelled ? row.StopReason : null,
        StopStep = row.StopStep,
        Progress = ToProgress(row.Progress),
        CreatedAt = row.CreatedAt,
        StartedAt = row.StartedAt,
        FinishedAt = row.FinishedAt,
        Attempt = row.Attempt,
        Error = row.Error is null ? null : FromJson<Failure>(row.Error),
        Results = FromJson<ResultEntry[]>(row.Results),
    };

    private static bool IsOfContent(Exception exception) =>
        exception is JsonException or NotSupportedException or InvalidOperationException or ArgumentException or FormatException;

    private JobSnapshot ToUnreadable(JobRow row) => new()
    {
        Id = row.Id,
        Status = JobStatus.Failed,
        Models = JobModel.Only(new ModelReference(row.ModelName, row.ModelVersion, row.ModelDigest)),
        Spec = new UnreadableSpec(row.Type),
        Priority = row.Priority,
        Tenant = row.Tenant,
        Keep = row.Keep,
        Extends = row.Extends,
        Progress = new JobProgress(),
        CreatedAt = row.CreatedAt,
        StartedAt = row.StartedAt,
        FinishedAt = row.FinishedAt,
        Attempt = row.Attempt,
        Error = WhyUnreadable(row),
    };

    /// <summary>Of a job that an earlier version ended, only the share that was done is known.</summary>
    private static JobProgress ToProgress(string text)
    {
        JsonObject members = FromJson<JsonObject>(text);
        return members.ContainsKey("unit") || members.Count == 0
            ? members.Deserialize<JobProgress>(EbmJson.Options)!
            : new JobProgress { Fraction = (double?)members["fraction"] ?? 0 };
    }

    /// <summary>The plan as it was stored: a newer planner might cut the job otherwise.</summary>
    public static JobPlan ToPlan(JobRow row) => new(
        [.. row.Blocks.OrderBy(block => block.Index).Select(block => new BlockPlan(block.Index, block.Offset, block.Count, block.Steps))]);
}
