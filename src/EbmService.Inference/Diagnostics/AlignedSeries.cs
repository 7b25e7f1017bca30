using EbmService.Core.Diagnostics;

namespace EbmService.Inference.Diagnostics;

/// <summary>The draws that all blocks of a job have in common: one interval, one last step, only chains that are finite throughout.</summary>
internal sealed class AlignedSeries
{
    private readonly IReadOnlyList<ChainSeries> _blocks;
    private readonly int _interval;
    private readonly List<(ChainSeries Block, int Chain)> _chains;

    /// <param name="blocks">Series of one job.</param>
    /// <param name="maxValues">Draws x chains at most; more are thinned.</param>
    public AlignedSeries(IEnumerable<ChainSeries> blocks, int maxValues)
    {
        _blocks = [.. blocks.Where(block => block.Chains > 0)];
        if (_blocks.Count == 0 || _blocks.Any(block => block.Draws == 0))
        {
            _chains = [];
            return;
        }
        // A block's draws lie at warm-up + multiples of its interval, which is a power of two.
        int warmup = _blocks[0].FirstStep - _blocks[0].Interval;
        _interval = _blocks.Max(block => block.Interval);
        int after = _blocks.Min(block => block.Draws * block.Interval);
        int chains = _blocks.Sum(block => block.Chains);
        while ((long)(after / _interval) * chains > maxValues && after / _interval > 8)
            _interval *= 2;
        Draws = after / _interval;
        LastStep = warmup + Draws * _interval;
        _chains = [.. _blocks.SelectMany(block => Enumerable.Range(0, block.Chains).Where(chain => IsFinite(block, chain)).Select(chain => (block, chain)))];
    }

    public int Draws { get; }

    public int LastStep { get; }

    public int Chains => _chains.Count;

    public IReadOnlyList<string> Names => _blocks.Count == 0 ? [] : _blocks[0].Names;

    /// <summary>One quantity's draws, (draws, chains).</summary>
    public ChainDraws Of(int quantity)
    {
        var values = new float[Draws * Chains];
        for (int draw = 0; draw < Draws; draw++)
        {
            for (int column = 0; column < Chains; column++)
                values[draw * Chains + column] = Value(_chains[column].Block, draw, quantity, _chains[column].Chain);
        }
        return ChainDraws.From(values, Chains);
    }

    private float Value(ChainSeries block, int draw, int quantity, int chain)
    {
        int row = (draw + 1) * (_interval / block.Interval) - 1;
        return block.Values[(row * block.Names.Count + quantity) * block.Chains + chain];
    }

    private bool IsFinite(ChainSeries block, int chain)
    {
        for (int draw = 0; draw < Draws; draw++)
        {
            for (int quantity = 0; quantity < block.Names.Count; quantity++)
            {
                if (!float.IsFinite(Value(block, draw, quantity, chain)))
                    return false;
            }
        }
        return true;
    }
}
