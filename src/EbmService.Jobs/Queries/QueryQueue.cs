using EbmService.Core.Queries;

namespace EbmService.Jobs.Queries;

/// <summary>
/// Queries waiting for slots, first come first served; one of many rows goes to several slots, in parts of whole tiles, so that its bits don't depend on
/// where it was cut. Guarded by the board.
/// </summary>
internal sealed class QueryQueue
{
    /// <summary>A slot takes at least so many rows where there are any: four tiles, some milliseconds.</summary>
    private const int LeastRows = 4 * ModelQuery.TileRows;

    private readonly LinkedList<PendingQuery> _waiting = [];

    /// <value>Rows of the first query that slots have taken.</value>
    private int _taken;

    public int Count => _waiting.Count;

    /// <value>Rows that no slot has taken.</value>
    public int Rows { get; private set; }

    public LinkedListNode<PendingQuery> Add(PendingQuery pending)
    {
        Rows += pending.Rows;
        return _waiting.AddLast(pending);
    }

    /// <summary>Takes back what no slot has taken of a query.</summary>
    public void Remove(LinkedListNode<PendingQuery> node)
    {
        if (node.List != _waiting)
            return;
        Rows -= node.Value.Rows;
        if (node == _waiting.First)
            (Rows, _taken) = (Rows + _taken, 0);
        _waiting.Remove(node);
    }

    /// <summary>A slot's share of the oldest rows; empty when none waits.</summary>
    /// <param name="slots">How many slots there are to share with.</param>
    /// <param name="maxRows">At most so many, but one tile.</param>
    /// <param name="leavesRest">
    /// Whether rows that would fill no tile are left where there are others: a slot that takes query after query finds them again beside those that came meanwhile.
    /// </param>
    public List<QueryPart> Take(int slots, int maxRows, bool leavesRest = false)
    {
        List<QueryPart> batch = [];
        int room = Math.Min(maxRows, Math.Max(LeastRows, InTiles((Rows + slots - 1) / slots)));
        if (leavesRest && Rows > ModelQuery.TileRows)
            room = Math.Min(room, Rows / ModelQuery.TileRows * ModelQuery.TileRows);
        while (_waiting.First is { } next)
        {
            if (next.Value.IsOver)
            {
                Remove(next);
                continue;
            }
            int left = next.Value.Rows - _taken;
            int most = batch.Count == 0 ? Math.Max(room, ModelQuery.TileRows) : room;
            int rows = left <= most ? left : most / ModelQuery.TileRows * ModelQuery.TileRows;
            if (rows <= 0)
                break;
            batch.Add(new QueryPart(next.Value, _taken, rows));
            (_taken, Rows, room) = (_taken + rows, Rows - rows, room - rows);
            if (rows < left)
                break;
            _waiting.RemoveFirst();
            _taken = 0;
        }
        return batch;
    }

    /// <summary>Everything that waits.</summary>
    public List<PendingQuery> Clear()
    {
        List<PendingQuery> all = [.. _waiting];
        _waiting.Clear();
        (_taken, Rows) = (0, 0);
        return all;
    }

    private static int InTiles(int rows) => (rows + ModelQuery.TileRows - 1) / ModelQuery.TileRows * ModelQuery.TileRows;
}
