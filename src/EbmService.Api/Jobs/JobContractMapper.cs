using System.Text.Json;
using EbmService.Api.Errors;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Admission;

namespace EbmService.Api.Jobs;

internal static class JobContractMapper
{
    /// <param name="prefix">What the client's addresses begin with (<see cref="Hosting.PathPrefix"/>).</param>
    internal static string PathOf(string id, PathString prefix) => $"{prefix.ToUriComponent()}/v1/jobs/{id}";

    internal static JobResponse ToResponse(JobSnapshot job, PathString prefix) => new()
    {
        Id = job.Id,
        Type = job.Spec.Type,
        Status = job.Status,
        Models = job.Models,
        Spec = job.Spec,
        Priority = job.Priority,
        Tags = job.Tags,
        Tenant = job.Tenant,
        Warnings = job.Warnings,
        Extends = job.Extends,
        StopReason = job.StopReason,
        Progress = ToFinite(job.Progress),
        CreatedAt = job.CreatedAt,
        StartedAt = job.StartedAt,
        FinishedAt = job.FinishedAt,
        Attempt = job.Attempt,
        Keep = job.Keep,
        ExpiresAt = job.ExpiresAt,
        Error = job.Error is { } failure ? ToError(failure) : null,
        Results = ToResults(job, prefix).Results,
        Links = ToLinks(job, prefix),
    };

    internal static JobListResponse ToList(JobPage page, PathString prefix) =>
        new([.. page.Jobs.Select(job => ToResponse(job, prefix))], page.NextCursor);

    internal static JobResultsResponse ToResults(JobSnapshot job, PathString prefix) => new([.. job.Results.Select(entry =>
        new JobResultResponse(entry.Name, entry.MediaType, entry.Size, entry.Sha256, $"{PathOf(job.Id, prefix)}/results/{entry.Name}"))]);

    internal static JobProgressMessage ToMessage(JobProgressEntry happened)
    {
        JobProgress progress = ToFinite(happened.Progress);
        return new()
        {
            JobId = happened.JobId,
            Sequence = happened.Sequence,
            Fraction = progress.Fraction,
            Done = progress.Done,
            Total = progress.Total,
            Unit = progress.Unit,
            RatePerSecond = progress.RatePerSecond,
            EtaSeconds = progress.EtaSeconds,
            QueuePosition = progress.QueuePosition,
            Metrics = progress.Metrics,
        };
    }

    /// <summary>JSON has no NaN: a number that is none is left out.</summary>
    internal static JobProgress ToFinite(JobProgress progress) => progress with
    {
        Fraction = double.IsFinite(progress.Fraction) ? progress.Fraction : 0,
        RatePerSecond = Finite(progress.RatePerSecond),
        EtaSeconds = Finite(progress.EtaSeconds),
        Metrics = progress.Metrics.Values.All(double.IsFinite)
            ? progress.Metrics
            : progress.Metrics.Where(metric => double.IsFinite(metric.Value)).ToDictionary(),
    };

    private static JobLinks ToLinks(JobSnapshot job, PathString prefix)
    {
        string self = PathOf(job.Id, prefix);
        return new(self, self + "/events", self + "/results",
            Cancel: job.Status.IsTerminal() ? null : self + "/cancel",
            Pause: job.Status is JobStatus.Queued or JobStatus.Running ? self + "/pause" : null,
            Resume: job.Status == JobStatus.Paused ? self + "/resume" : null,
            Extend: job.Status == JobStatus.Succeeded ? self + "/extend" : null);
    }

    private static JobError ToError(Failure failure) => new(
        JsonNamingPolicy.CamelCase.ConvertName(failure.Code.ToString()),
        failure.Message,
        failure.Remedy ?? FailureProblemMapper.KindOf(failure.Code).Remedy);

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}
