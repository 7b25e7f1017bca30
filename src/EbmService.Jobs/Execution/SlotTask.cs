using EbmService.Core.Jobs;
using EbmService.Jobs.Questions;

namespace EbmService.Jobs.Execution;

/// <summary>What a slot does until it next asks the board.</summary>
internal abstract record SlotTask;

internal sealed record AnswerTask(IReadOnlyList<PendingQuestion> Questions) : SlotTask;

/// <summary>One quantum of a block, opening it first where it is not.</summary>
internal sealed record AdvanceTask(LiveBlock Block) : SlotTask;

/// <summary>Save an open block to memory and give up its place.</summary>
internal sealed record ParkTask(LiveBlock Block) : SlotTask;

/// <summary>End a begun block early.</summary>
/// <param name="Keep">Whether its result so far is wanted.</param>
internal sealed record CloseTask(LiveBlock Block, bool Keep) : SlotTask;

/// <summary>What a quantum is to end with.</summary>
/// <param name="StopStep">A block that has come to this step is done.</param>
/// <param name="Save">The block is to be saved after it.</param>
/// <param name="WantsSeries">The report is to carry the block's draws.</param>
internal readonly record struct QuantumOrder(int StopStep, bool Save, bool WantsSeries);

/// <summary>A block's chains as its workload saved them.</summary>
/// <param name="Took">How long the slot was busy with it.</param>
internal sealed record SavedChains(byte[] Content, TimeSpan Took);

/// <summary>What a quantum gave.</summary>
/// <param name="Saved">Present when a save was due, and of a done block whose job may be extended.</param>
/// <param name="Result">Present when the block is done.</param>
/// <param name="WantedSeries">The report was to carry the block's draws.</param>
internal sealed record QuantumOutcome(StepReport Report, SavedChains? Saved, byte[]? Result, bool WantedSeries);

internal sealed record StopTask : SlotTask;
