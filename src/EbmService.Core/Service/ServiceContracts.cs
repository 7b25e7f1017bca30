namespace EbmService.Core.Service;

/// <summary>What the service does now, and how fast it was over the last minutes.</summary>
public sealed record ServiceResponse
{
    public required DateTimeOffset StartedAt { get; init; }

    /// <value>What the slots compute on: cpu, cuda:0.</value>
    public required string Device { get; init; }

    public required IReadOnlyList<SlotResponse> Slots { get; init; }

    public required QueueResponse Queue { get; init; }

    public required RatesResponse Rates { get; init; }
}

/// <summary>What a slot does.</summary>
public enum SlotWork
{
    /// <summary>Nothing waits for it.</summary>
    Idle,

    /// <summary>It answers short queries.</summary>
    Queries,

    /// <summary>It advances a block of a job.</summary>
    Job,

    /// <summary>It has lost the device, or has not reached it yet.</summary>
    NoDevice,
}

/// <summary>One slot: a thread that computes.</summary>
/// <param name="Index">From 0.</param>
/// <param name="JobId">The job that it advances, or advanced last while it answers queries; null where it has none open.</param>
/// <param name="OpenJobs">Jobs with a block open on it.</param>
/// <param name="BusyShare">The share of the last 10 seconds that it was at work, [0, 1].</param>
public sealed record SlotResponse(int Index, SlotWork Work, string? JobId, IReadOnlyList<string> OpenJobs, double BusyShare);

/// <summary>The queue as a whole, and its jobs in the order in which they will begin.</summary>
/// <param name="Queued">Jobs that wait for their first block.</param>
/// <param name="Running">Jobs that have begun and are not paused.</param>
/// <param name="Paused">Jobs off the device on request.</param>
/// <param name="Capacity">Jobs that may wait before the service answers 503.</param>
/// <param name="Jobs">The first 100 that wait.</param>
public sealed record QueueResponse(int Queued, int Running, int Paused, int Capacity, IReadOnlyList<QueuedJobResponse> Jobs);

/// <param name="Position">1 for the next to begin.</param>
/// <param name="StartsInSeconds">
/// When it will begin, at the latest and roughly: the slot time that running jobs and those ahead of it still need, over the slots; null while
/// nothing was measured.
/// </param>
public sealed record QueuedJobResponse(
    string Id, string Type, string Model, string Tenant, int Priority, int Position, double? StartsInSeconds);

/// <summary>Rates over the last minutes, oldest first; the last point is the last whole interval.</summary>
/// <param name="IntervalSeconds">Seconds of a point.</param>
/// <param name="ChainStepsPerSecond">Steps of chains, over all jobs whose unit they are.</param>
/// <param name="QueriesPerSecond">Inputs of short queries answered.</param>
public sealed record RatesResponse(
    double IntervalSeconds, IReadOnlyList<double> ChainStepsPerSecond, IReadOnlyList<double> QueriesPerSecond);
