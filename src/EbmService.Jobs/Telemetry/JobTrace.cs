using System.Collections.Concurrent;
using System.Diagnostics;
using System.Numerics;
using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;

namespace EbmService.Jobs.Telemetry;

/// <summary>
/// The spans of one job in this process: <c>job</c> from taken in to ended, and in it <c>job.queue</c>, <c>job.block</c> from a block's opening on a slot
/// to its leaving, <c>job.quantum</c> of its 1st, 2nd, 4th, 8th, ... turn and of its last, and <c>storage.*</c>. Thread-safe.
/// </summary>
internal sealed class JobTrace(Activity root, TimeProvider clock)
{
    /// <summary>Of each kind all spans up to this number, and from there each whose number is a power of two: a job may have millions.</summary>
    public const int MaxInFull = 200;

    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<IBlock, Activity> _open = [];
    private readonly ConcurrentDictionary<string, long> _numbers = new(StringComparer.Ordinal);
    private Activity? _queue;
    private DateTimeOffset? _beganAt;

    public ActivityContext Context => root.Context;

    /// <summary>The job has its first quantum since it was queued: what ends the wait, once the change is told.</summary>
    public void Began()
    {
        lock (_lock)
            _beganAt ??= clock.GetUtcNow();
    }

    /// <summary>A status is stored and shown.</summary>
    public void Shown(JobStatus status)
    {
        root.AddEvent(new ActivityEvent("status", tags: new ActivityTagsCollection { [Tags.Status] = Tags.Word(status) }));
        lock (_lock)
        {
            if (status == JobStatus.Queued)
                (_queue, _beganAt) = (Start("job.queue"), null);
            else
                EndQueue();
        }
    }

    public void Opened(IBlock block, int slot)
    {
        if (Start("job.block") is not { } span)
            return;
        span.SetTag(Tags.Block, block.Plan.Index).SetTag("ebm.block.items", block.Plan.Count).SetTag("ebm.slot.index", slot)
            .SetTag("ebm.block.step.from", block.Step);
        _open[block] = span;
    }

    /// <summary>A block has had a turn.</summary>
    /// <param name="steps">Of this turn.</param>
    /// <param name="isLast">The block is done.</param>
    public void Quantum(IBlock block, TimeSpan took, int steps, bool isLast)
    {
        if ((!isLast && !BitOperations.IsPow2(block.Quanta)) || !_open.TryGetValue(block, out Activity? parent))
            return;
        DateTimeOffset end = clock.GetUtcNow();
        if (Start("job.quantum", parent.Context, end - took) is not { } span)
            return;
        span.SetTag(Tags.Block, block.Plan.Index).SetTag("ebm.quantum.number", block.Quanta).SetTag("ebm.quantum.steps", steps);
        span.SetEndTime(end.UtcDateTime);
        Stop(span);
    }

    /// <summary>The block gives up its place on the slot.</summary>
    public void Left(IBlock block)
    {
        if (!_open.TryRemove(block, out Activity? span))
            return;
        span.SetTag("ebm.block.step.to", block.Step).SetTag("ebm.block.quanta", block.Quanta);
        Stop(span);
    }

    /// <summary>Something of the job is written: the caller's current span until it is disposed, so that logs name it.</summary>
    public Activity? Storage(StorageKind kind)
    {
        string name = "storage." + Tags.Word(kind);
        return IsWanted(name) ? JobTracing.Source.StartActivity(name, ActivityKind.Internal, root.Context) : null;
    }

    public void End(JobSnapshot end)
    {
        root.SetTag(Tags.Status, Tags.Word(end.Status)).SetTag("ebm.job.stop_reason", end.StopReason).SetTag("ebm.job.units", end.Progress.Done);
        if (end.Error is { } error)
            root.SetTag(Tags.ErrorType, Tags.Word(error.Code)).SetStatus(ActivityStatusCode.Error, error.Message);
        Close();
    }

    /// <summary>The process lets the job go before its end: the next one begins a root of its own.</summary>
    public void Interrupt()
    {
        root.SetTag("ebm.job.interrupted", true);
        Close();
    }

    private void Close()
    {
        foreach (IBlock block in _open.Keys)
            Left(block);
        lock (_lock)
            EndQueue();
        foreach ((string name, long count) in _numbers.Where(one => one.Value > MaxInFull))
            root.SetTag($"ebm.spans.{name}", count);
        Stop(root);
    }

    private void EndQueue()
    {
        if (_queue is not { } queue)
            return;
        if (_beganAt is { } began && began.UtcDateTime > queue.StartTimeUtc)
            queue.SetEndTime(began.UtcDateTime);
        _queue = null;
        Stop(queue);
    }

    private bool IsWanted(string name)
    {
        long number = _numbers.AddOrUpdate(name, 1, (_, before) => before + 1);
        return number <= MaxInFull || BitOperations.IsPow2(number);
    }

    private Activity? Start(string name, ActivityContext? parent = null, DateTimeOffset startTime = default) => !IsWanted(name) ? null
        : JobTracing.Outside(() => JobTracing.Source.StartActivity(name, ActivityKind.Internal, parent ?? root.Context, startTime: startTime));

    private static void Stop(Activity span) => JobTracing.Outside(() =>
    {
        span.Dispose();
        return true;
    });
}
