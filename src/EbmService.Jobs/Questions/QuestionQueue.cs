using EbmService.Core.Evaluation;

namespace EbmService.Jobs.Questions;

/// <summary>
/// Questions waiting for slots, first come first served; one of many rows goes to several slots, in parts of whole tiles, so that its bits don't depend on
/// where it was cut. Guarded by the board.
/// </summary>
internal sealed class QuestionQueue
{
    /// <summary>A slot takes at least so many rows where there are any: four tiles, some milliseconds.</summary>
    private const int LeastRows = 4 * EvaluationQuery.TileRows;

    private readonly LinkedList<PendingQuestion> _waiting = [];

    /// <value>Rows of the first question that slots have taken.</value>
    private int _taken;

    public int Count => _waiting.Count;

    /// <value>Rows that no slot has taken.</value>
    public int Rows { get; private set; }

    public LinkedListNode<PendingQuestion> Add(PendingQuestion question)
    {
        Rows += question.Rows;
        return _waiting.AddLast(question);
    }

    /// <summary>Takes back what no slot has taken of a question.</summary>
    public void Remove(LinkedListNode<PendingQuestion> node)
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
    public List<QuestionPart> Take(int slots, int maxRows)
    {
        List<QuestionPart> batch = [];
        int room = Math.Min(maxRows, Math.Max(LeastRows, InTiles((Rows + slots - 1) / slots)));
        while (_waiting.First is { } next)
        {
            if (next.Value.IsOver)
            {
                Remove(next);
                continue;
            }
            int left = next.Value.Rows - _taken;
            int most = batch.Count == 0 ? Math.Max(room, EvaluationQuery.TileRows) : room;
            int rows = left <= most ? left : most / EvaluationQuery.TileRows * EvaluationQuery.TileRows;
            if (rows <= 0)
                break;
            batch.Add(new QuestionPart(next.Value, _taken, rows));
            (_taken, Rows, room) = (_taken + rows, Rows - rows, room - rows);
            if (rows < left)
                break;
            _waiting.RemoveFirst();
            _taken = 0;
        }
        return batch;
    }

    /// <summary>Everything that waits.</summary>
    public List<PendingQuestion> Clear()
    {
        List<PendingQuestion> all = [.. _waiting];
        _waiting.Clear();
        (_taken, Rows) = (0, 0);
        return all;
    }

    private static int InTiles(int rows) => (rows + EvaluationQuery.TileRows - 1) / EvaluationQuery.TileRows * EvaluationQuery.TileRows;
}
