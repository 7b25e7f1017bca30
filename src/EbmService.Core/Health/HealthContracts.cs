namespace EbmService.Core.Health;

/// <summary>Whether the process answers.</summary>
/// <param name="Status"><c>live</c>.</param>
public sealed record LiveResponse(string Status);

/// <summary>Whether the service can work, and why not.</summary>
/// <param name="Status"><c>ready</c> or <c>notReady</c>.</param>
public sealed record ReadyResponse(string Status, ReadyChecks Checks);

/// <summary>One entry per thing that must be ready.</summary>
public sealed record ReadyChecks(WorkerCheck Worker, ModelsCheck Models);

/// <summary>The device worker and its queue.</summary>
public sealed record WorkerCheck(bool Ready, int QueuedJobs, int RunningJobs, int QueueCapacity);

/// <summary>At least one model must be ready; unavailable ones are named as model/version.</summary>
public sealed record ModelsCheck(bool Ready, int ReadyVersions, IReadOnlyList<string> Unavailable);
