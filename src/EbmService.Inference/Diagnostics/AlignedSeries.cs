using EbmService.Core.Diagnostics;

namespace EbmService.Inference.Diagnostics;

/// <summary>The draws that all blocks of a job have in common: one interval, one last step, only chains that stay finite.</summary>
internal sealed class AlignedSeries
{
    private readonly IReadOnlyList<ChainSeries> _blocks;
    private readonly int _interval;
    private readonly List<(ChainSeries Block, int Chain, int Label)> _chains;

    /// <param name="blocks">Series of one job, and the class of each of their chains, -1 for none.</param>
    /// <param name="maxValues">Draws x chains at most; more are thinned.</param>
    public AlignedSeries(IEnumerable<(ChainSeries Series, int[] Labels)> blocks, int maxValues)
    {
        List<(ChainSeries Series, int[] Labels)> used = [.. blocks.Where(block => block.Series.Chains > 0)];
        // A block that only just began would cut the others short; at a barrier and at the end all are equal.
        int most = used.Select(block => block.Series.Draws * block.Series.Interval).DefaultIfEmpty().Max();
        used.RemoveAll(block => 2 * block.Series.Draws * block.Series.Interval < most);
        _blocks = [.. used.Select(block => block.Series)];
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
        _chains = [.. used.SelectMany(block => Enumerable.Range(0, block.Series.Chains)
            .Where(chain => IsFinite(block.Series, chain)).Select(chain => (block.Series, chain, block.Labels[chain])))];
    }

    public int Draws { get; }

    public int LastStep { get; }

    public int Chains => _chains.Count;

    public IReadOnlyList<string> Names => _blocks.Count == 0 ? [] : _blocks[0].Names;

    /// <value>The classes that chains are drawn for, ascending; -1 for none.</value>
    public IReadOnlyList<int> Labels => [.. _chains.Select(chain => chain.Label).Distinct().Order()];

    /// <value>Chains none of whose quantities changed between any two draws; 0 with fewer than 2 draws.</value>
    public int Unmoved => Draws < 2 ? 0 : _chains.Count(chain => !HasMoved(chain.Block, chain.Chain));

    public int ChainsOf(int label) => _chains.Count(chain => chain.Label == label);

    /// <summary>One quantity's draws by the chains of one class, (draws, chains).</summary>
    public ChainDraws Of(int quantity, int label)
    {
        List<(ChainSeries Block, int Chain, int Label)> chains = _chains.FindAll(chain => chain.Label == label);
        var values = new float[Draws * chains.Count];
        for (int draw = 0; draw < Draws; draw++)
        {
            for (int column = 0; column < chains.Count; column++)
                values[draw * chains.Count + column] = Value(chains[column].Block, draw, quantity, chains[column].Chain);
        }
        return ChainDraws.From(values, chains.Count);
    }

    private float Value(ChainSeries block, int draw, int quantity, int chain)
    {
        int row = (draw + 1) * (_interval / block.Interval) - 1;
        return block.Values[(row * block.Names.Count + quantity) * block.Chains + chain];
    }

    private bool HasMoved(ChainSeries block, int chain)
    {
        for (int draw = 1; draw < Draws; draw++)
        {
            for (int quantity = 0; quantity < block.Names.Count; quantity++)
            {
                if (Value(block, draw, quantity, chain) != Value(block, 0, quantity, chain))
                    return true;
            }
        }
        return false;
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
