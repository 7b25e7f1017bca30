using EbmService.Core.Models;

namespace EbmService.Jobs.Scheduling;

/// <summary>A job as one slot's scheduler sees it.</summary>
/// <param name="Job">Its place in the list that the decision refers to.</param>
/// <param name="Rank">Its rank now.</param>
/// <param name="Model">What it computes with.</param>
/// <param name="HasWaiting">A block of it waits for a slot.</param>
/// <param name="OpenHere">A block of it is open on this slot.</param>
/// <param name="QuantaSinceOpen">Quanta that the open block has had in its place.</param>
internal readonly record struct JobCandidate(
    int Job, JobRank Rank, ModelKey Model, bool HasWaiting, bool OpenHere = false, int QuantaSinceOpen = 0);

/// <summary>The slot that asks.</summary>
/// <param name="Places">Blocks it may keep open.</param>
/// <param name="RotationQuanta">Quanta after which an open block may be parked for a job of equal priority that has had less.</param>
/// <param name="MayRotate">Whether there is memory for one more parked checkpoint.</param>
/// <param name="LastModel">The model it computed last.</param>
internal readonly record struct SlotView(int Places, int RotationQuanta, bool MayRotate, ModelKey? LastModel = null);

internal enum SchedulingAction
{
    /// <summary>Nothing here can run.</summary>
    Idle,

    /// <summary>One more quantum for the job's open block.</summary>
    Continue,

    /// <summary>Open a waiting block of the job.</summary>
    Open,

    /// <summary>Park the open block of the job: a waiting one deserves the place more.</summary>
    Park,
}

/// <param name="Job">The chosen candidate's <see cref="JobCandidate.Job"/>; -1 for <see cref="SchedulingAction.Idle"/>.</param>
internal readonly record struct SchedulingDecision(SchedulingAction Action, int Job);
