using EbmService.Core.Jobs;

namespace EbmService.Inference.JobTypes;

/// <summary>The steps of a block whose steps are short enough to be whole: one at least, then until the budget is spent.</summary>
internal static class BlockSteps
{
    /// <param name="step">Steps done so far; counted up.</param>
    /// <param name="advance">Does the next step.</param>
    /// <returns>The report, without metrics.</returns>
    public static StepReport Advance(BlockPlan block, QuantumBudget budget, ref int step, Action advance)
    {
        int limit = Math.Min(block.Steps, budget.StepLimit);
        while (step < limit)
        {
            advance();
            step++;
            if (budget.IsSpent)
                break;
        }
        return new StepReport(step, step == block.Steps);
    }
}
