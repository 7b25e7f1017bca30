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

internal sealed record StopTask : SlotTask;
