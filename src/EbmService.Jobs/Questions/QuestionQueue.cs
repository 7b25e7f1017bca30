namespace EbmService.Jobs.Questions;

/// <summary>Questions waiting for a slot, first come first served. Guarded by the gate.</summary>
internal sealed class QuestionQueue
{
    private readonly LinkedList<PendingQuestion> _waiting = [];

    public int Count => _waiting.Count;

    public LinkedListNode<PendingQuestion> Add(PendingQuestion question) => _waiting.AddLast(question);

    /// <summary>Takes a question back that no slot has taken.</summary>
    public bool Remove(LinkedListNode<PendingQuestion> node)
    {
        if (node.List != _waiting)
            return false;
        _waiting.Remove(node);
        return true;
    }

    /// <summary>The oldest questions of together at most <paramref name="maxRows"/> inputs, at least one; empty when none waits.</summary>
    public List<PendingQuestion> Take(int maxRows)
    {
        List<PendingQuestion> batch = [];
        long rows = 0;
        while (_waiting.First is { } next)
        {
            rows += next.Value.Query.Inputs.Rows;
            if (batch.Count > 0 && rows > maxRows)
                break;
            _waiting.RemoveFirst();
            batch.Add(next.Value);
        }
        return batch;
    }
}
