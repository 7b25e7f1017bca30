using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Core.Service;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Slots;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Monitoring;

/// <summary>What the service does now, for people who look at it. Thread-safe.</summary>
public interface IServiceMonitor
{
    /// <param name="tenant">Jobs of others are not named; null names all.</param>
    ServiceResponse Look(string? tenant);
}

/// <inheritdoc cref="IServiceMonitor"/>
internal sealed class ServiceMonitor(
    LiveJobs live, SlotBoard board, IComputeDevice device, IJobStatistician statistician, TimeProvider clock, IOptions<JobLimitsOptions> limits)
    : IServiceMonitor
{
    /// <summary>Jobs of the queue that are named.</summary>
    private const int MostNamed = 100;
    private const string ChainSteps = "chainSteps";

    private readonly DateTimeOffset _startedAt = clock.GetUtcNow();

    public ServiceResponse Look(string? tenant)
    {
        IReadOnlyList<Job> jobs = live.InOrder;
        int queued = jobs.Count(job => job.IsQueued), paused = jobs.Count(job => job.IsPaused);
        QueuedJobResponse[] waiting = [.. live.Waiting()
            .Where(job => tenant is null || job.Job.Recorded.Tenant == tenant).Take(MostNamed)
            .Select(one => new QueuedJobResponse(
                one.Job.Id, one.Job.Definition.Spec.Type, one.Job.Model.ToString(), one.Job.Recorded.Tenant, one.Job.Recorded.Priority,
                one.Position, one.StartsInSeconds))];
        return new ServiceResponse
        {
            StartedAt = _startedAt,
            Device = device.Info.Kind,
            Slots = board.Look(job => tenant is null || job.Recorded.Tenant == tenant),
            Queue = new QueueResponse(queued, jobs.Count - queued - paused, paused, limits.Value.MaxQueuedJobs, waiting),
            Rates = new RatesResponse(
                RecentIntervals.Interval.TotalSeconds, live.RecentUnits(spec => statistician.UnitOf(spec) == ChainSteps), board.RecentQueries()),
        };
    }
}

/// <summary>What rates are kept of: five minutes, two seconds a point.</summary>
internal static class RecentIntervals
{
    public const int Count = 150;
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    public static RecentRate Create(TimeProvider clock) => new(clock, Interval, Count);

    /// <summary>The longer one's points, with those of others added at its end.</summary>
    public static double[] Sum(IEnumerable<double[]> rates)
    {
        double[] sum = [];
        foreach (double[] one in rates)
        {
            (double[] longer, double[] shorter) = one.Length > sum.Length ? ([.. one], sum) : (sum, one);
            for (int i = 0; i < shorter.Length; i++)
                longer[longer.Length - shorter.Length + i] += shorter[i];
            sum = longer;
        }
        return sum;
    }
}
