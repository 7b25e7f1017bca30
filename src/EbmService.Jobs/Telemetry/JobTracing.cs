using System.Diagnostics;
using EbmService.Core.Jobs;
using EbmService.Core.Queries;

namespace EbmService.Jobs.Telemetry;

/// <summary>
/// The engine's spans. A job outlives the request that made it and the processes that run it, so it has a trace of its own, whose id is the job's id:
/// who has the one finds the other. Each process that holds the job adds a root to it, with a link to the request's span. Without a listener nothing
/// is made. Thread-safe.
/// </summary>
internal static class JobTracing
{
    public static readonly ActivitySource Source = new(JobsTelemetry.SourceName);

    /// <value>The id of the trace whose root this thread is about to begin.</value>
    [ThreadStatic]
    private static ActivityTraceId? t_root;

    static JobTracing()
    {
        Func<ActivityTraceId>? others = Activity.TraceIdGenerator;
        Activity.TraceIdGenerator = () => t_root ?? others?.Invoke() ?? ActivityTraceId.CreateRandom();
    }

    /// <summary>Within the request: a job is taken in.</summary>
    public static Activity? StartSubmit() => Source.StartActivity("job.submit");

    /// <summary>The W3C traceparent of what is under way; null where there is nothing.</summary>
    public static string? CurrentParent() => Activity.Current is { IdFormat: ActivityIdFormat.W3C } current ? current.Id : null;

    /// <summary>Within the request: from asked to answered.</summary>
    public static Activity? StartQuery(ModelQuery query)
    {
        Activity? span = Source.StartActivity("query");
        if (span is not { IsAllDataRequested: true })
            return span;
        span.DisplayName = "query " + Tags.Word(query.Kind);
        return span.SetTag(Tags.Kind, Tags.Word(query.Kind)).SetTag(Tags.Model, query.Model.Name).SetTag(Tags.Version, query.Model.Version)
            .SetTag("ebm.query.rows", query.Inputs.Rows);
    }

    /// <summary>The process holds the job now.</summary>
    /// <returns>Null where nobody listens.</returns>
    public static JobTrace? Begin(JobSnapshot job, TimeProvider clock)
    {
        if (!Source.HasListeners())
            return null;
        ActivityLink[] links = ActivityContext.TryParse(job.TraceParent, null, isRemote: true, out ActivityContext request)
            ? [new ActivityLink(request, new ActivityTagsCollection { ["ebm.link"] = "request" })] : [];
        Activity? root = Outside(() =>
        {
            t_root = ActivityTraceId.CreateFromString(job.Id);
            try
            {
                return Source.StartActivity("job", ActivityKind.Internal, parentContext: default, TagsOf(job), links);
            }
            finally
            {
                t_root = null;
            }
        });
        if (root is null)
            return null;
        root.DisplayName = "job " + job.Spec.Type;
        return new JobTrace(root, clock);
    }

    /// <summary>Runs what begins or ends a span of a job, which is nobody's current one: a thread has several jobs at hand.</summary>
    public static T Outside<T>(Func<T> work)
    {
        Activity? current = Activity.Current;
        Activity.Current = null;
        try
        {
            return work();
        }
        finally
        {
            Activity.Current = current;
        }
    }

    private static ActivityTagsCollection TagsOf(JobSnapshot job) => new()
    {
        [Tags.Job] = job.Id, [Tags.JobType] = job.Spec.Type, [Tags.Model] = job.Model.Name, [Tags.Version] = job.Model.Version,
        [Tags.Priority] = job.Priority, ["ebm.job.attempt"] = job.Attempt, ["ebm.job.extends"] = job.Extends,
    };
}
