using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Execution;

/// <summary>What the board knows of a slot. Guarded by the gate; the budget's yield may be asked for from any thread.</summary>
internal sealed class SlotState(int index, TimeProvider clock)
{
    public int Index => index;

    public QuantumBudget Budget { get; } = new(clock);

    public List<LiveBlock> Open { get; } = [];

    /// <value>Open blocks that could run.</value>
    public int Sharable => Open.Count(block => !block.AtBarrier);

    /// <value>Scratch space of the scheduler.</value>
    public List<JobCandidate> Candidates { get; } = [];

    public bool IsInQuantum { get; set; }

    public bool IsWaiting { get; set; }

    /// <value>False before the first binding and from a loss of the device to the next.</value>
    public bool IsBound { get; set; }

    /// <value>Its last turn answered questions: a block gets a step before the next batch.</value>
    public bool JustAnswered { get; set; }

    /// <value>Another slot has nothing to do: park a block for it.</value>
    public bool IsAskedToShare { get; set; }

    public ModelKey? LastModel { get; set; }
}
