using EbmService.Core.Jobs;

namespace EbmService.Jobs.Execution;

internal static class Extendability
{
    /// <summary>Whether all chains of the job stopped at one step, from which they can go on.</summary>
    public static bool IsExtendable(this JobSnapshot job) =>
        job is { Status: JobStatus.Succeeded, StopReason: StopReason.Steps or StopReason.UntilEss or StopReason.UntilRHat or StopReason.UntilEssAndRHat };
}
