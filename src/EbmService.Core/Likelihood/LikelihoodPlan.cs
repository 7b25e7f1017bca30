using EbmService.Core.Jobs;

namespace EbmService.Core.Likelihood;

/// <summary>What the items of a block are.</summary>
public enum LikelihoodPart
{
    /// <summary>Chains from the base to the model.</summary>
    Forward,

    /// <summary>Chains from samples of the model to the base.</summary>
    Reverse,

    /// <summary>Chains from rows to the base, all of a row next to each other.</summary>
    Raise,

    /// <summary>Rows to score.</summary>
    Rows,
}

/// <summary>
/// Items of a job: forward chains, reverse chains, chains of the RAISE estimate, rows; each block has items of one part. Steps of a chain: the pilot where there is one,
/// transitions at the model's own temperature, then one for each bridge.
/// </summary>
public static class LikelihoodPlan
{
    public const int RowsPerBlock = 1024;

    public static JobPlan Create(LikelihoodSpec spec)
    {
        var blocks = new List<BlockPlan>();
        int offset = 0;
        foreach (LikelihoodPart part in Enum.GetValues<LikelihoodPart>())
        {
            int items = ItemsOf(spec, part), size = part == LikelihoodPart.Rows ? RowsPerBlock : spec.BlockSize;
            foreach (BlockPlan block in JobPlan.Create(items, size, count => StepsOf(spec, part, count)).Blocks)
                blocks.Add(block with { Index = blocks.Count, Offset = offset + block.Offset });
            offset += items;
        }
        return new JobPlan(blocks);
    }

    public static int ItemsOf(LikelihoodSpec spec, LikelihoodPart part) => part switch
    {
        LikelihoodPart.Forward or LikelihoodPart.Reverse => spec.Chains,
        LikelihoodPart.Raise => (spec.Raise?.Rows ?? 0) * (spec.Raise?.Chains ?? 0),
        _ => spec.Rows?.Count ?? 0,
    };

    /// <summary>The part that a block is of, and its first item in that.</summary>
    public static (LikelihoodPart Part, int First) PartOf(LikelihoodSpec spec, BlockPlan block)
    {
        int first = block.Offset;
        foreach (LikelihoodPart part in Enum.GetValues<LikelihoodPart>())
        {
            if (first < ItemsOf(spec, part))
                return (part, first);
            first -= ItemsOf(spec, part);
        }
        throw new ArgumentException("the block is not of this job", nameof(block));
    }

    /// <summary>Transitions at the model's own temperature that come before the bridges.</summary>
    public static int StartSteps(LikelihoodSpec spec, LikelihoodPart part) => part switch
    {
        LikelihoodPart.Reverse => spec.ReverseSteps,
        LikelihoodPart.Raise => 1,
        _ => 0,
    };

    private static int StepsOf(LikelihoodSpec spec, LikelihoodPart part, int count) => part == LikelihoodPart.Rows
        ? (count + LikelihoodJob.TileRows - 1) / LikelihoodJob.TileRows
        : (spec.NeedsPilot ? 1 : 0) + StartSteps(spec, part) + spec.Bridges;
}
