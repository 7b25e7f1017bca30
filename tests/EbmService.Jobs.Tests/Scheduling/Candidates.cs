using EbmService.Core.Models;
using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

/// <summary>Short ways to write what the scheduler is asked.</summary>
internal static class Candidates
{
    public const double Never = double.PositiveInfinity;

    public static readonly ModelKey Model = new("m", "1");
    public static readonly SlotView Slot = new(Places: 2, RotationQuanta: 5, MayRotate: true);

    public static JobRank Rank(
        int order = 0, int priority = 0, int? effective = null, int tenant = 0, long tenantTime = 0, long time = 0,
        double overdueSince = Never, double deadline = Never) =>
        new(effective ?? priority, overdueSince, deadline, priority, tenantTime, tenant, time, order);

    public static JobCandidate Waiting(int index, JobRank rank, string model = "m") =>
        new(index, rank with { Order = index }, new(model, "1"), HasWaiting: true);

    public static JobCandidate Open(int index, JobRank rank, int quanta = 0) =>
        new(index, rank with { Order = index }, Model, HasWaiting: true, OpenHere: true, quanta);
}
