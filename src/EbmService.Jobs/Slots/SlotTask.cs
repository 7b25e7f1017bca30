using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Queries;
using EbmService.Jobs.Scheduling;
using EbmService.Jobs.Telemetry;

namespace EbmService.Jobs.Slots;

/// <summary>What a slot does until it next asks the board.</summary>
internal abstract record SlotTask;

internal sealed record AnswerTask(IReadOnlyList<QueryPart> Parts) : SlotTask;

/// <summary>One quantum of a block, opening it first where it is not.</summary>
internal sealed record AdvanceTask(IBlock Block) : SlotTask;

/// <summary>Save an open block to memory and give up its place.</summary>
internal sealed record ParkTask(IBlock Block) : SlotTask;

/// <summary>End a begun block early.</summary>
/// <param name="Keep">Whether its result so far is wanted.</param>
internal sealed record CloseTask(IBlock Block, bool Keep) : SlotTask;

internal sealed record StopTask : SlotTask;

/// <summary>What a quantum is to end with.</summary>
/// <param name="StopStep">A block that has come to this step is done.</param>
/// <param name="Save">The block is to be saved after it.</param>
/// <param name="WantsStatistics">The report is to carry the block's statistics.</param>
internal readonly record struct QuantumOrder(int StopStep, bool Save, bool WantsStatistics);

/// <summary>A block's state as its workload saved it.</summary>
/// <param name="Took">How long the slot was busy with it.</param>
internal sealed record SavedCheckpoint(byte[] Content, TimeSpan Took);

/// <summary>What a quantum gave.</summary>
/// <param name="Saved">Present when a save was due, and of a done block whose job may be extended.</param>
/// <param name="Result">Present when the block is done.</param>
/// <param name="WantedStatistics">The report was to carry the block's statistics.</param>
internal sealed record QuantumOutcome(StepReport Report, SavedCheckpoint? Saved, byte[]? Result, bool WantedStatistics);

/// <summary>What the board knows of a slot. Guarded by the board; the budget's yield may be asked for from any thread.</summary>
internal sealed class SlotState(int index, TimeProvider clock, SlotTime time)
{
    public int Index => index;

    public SlotTime Time => time;

    public QuantumBudget Budget { get; } = new(clock);

    public List<IBlock> Open { get; } = [];

    /// <value>Open blocks that could run.</value>
    public int Sharable => Open.Count(block => !block.AtBarrier);

    /// <value>Scratch space of the scheduler.</value>
    public List<JobCandidate> Candidates { get; } = [];

    public bool IsInQuantum { get; set; }

    public bool IsWaiting { get; set; }

    /// <value>False before the first binding and from a loss of the device to the next.</value>
    public bool IsBound { get; set; }

    /// <value>Its last turn answered queries: a block gets a step before the next batch.</value>
    public bool JustAnswered { get; set; }

    /// <value>When its blocks have had as much time as the last queries, in the clock's ticks: before it nothing is answered within a quantum.</value>
    public long OwesUntil { get; set; }

    /// <value>Another slot has nothing to do: park a block for it.</value>
    public bool IsAskedToShare { get; set; }

    public ModelKey? LastModel { get; set; }

    /// <value>What it does; null while it waits for a task.</value>
    public SlotTask? Current { get; set; }
}
