using EbmService.Core.Failures;
using EbmService.Core.Queries;

namespace EbmService.Jobs.Queries;

/// <summary>A query on its way to the slots, which answer it in parts. Thread-safe.</summary>
/// <param name="query">The query.</param>
/// <param name="askedAt">In the clock's ticks.</param>
internal sealed class PendingQuery(ModelQuery query, long askedAt = 0)
{
    private readonly TaskCompletionSource<Outcome<QueryAnswer>> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private SortedList<int, QueryAnswer>? _parts;
    private int _answered;
    private int _isTaken;

    public ModelQuery Query => query;

    public int Rows => query.Inputs.Rows;

    public Task<Outcome<QueryAnswer>> Answer => _answer.Task;

    /// <value>Whether nobody waits for it any more: answered, failed in one of its parts, or dropped.</value>
    public bool IsOver => _answer.Task.IsCompleted;

    /// <summary>A slot has taken rows of it.</summary>
    /// <returns>When it was asked, to the first of these slots.</returns>
    public long? TryTake() => Interlocked.Exchange(ref _isTaken, 1) == 0 ? askedAt : null;

    /// <summary>Answers all of it at once, or says why there is no answer.</summary>
    /// <returns>Whether this ended it.</returns>
    public bool Complete(Outcome<QueryAnswer> outcome) => _answer.TrySetResult(outcome);

    /// <summary>Answers rows from <paramref name="first"/> on. The first part that fails fails the whole; the last that comes makes the answer.</summary>
    /// <returns>Whether this ended it.</returns>
    public bool Complete(int first, Outcome<QueryAnswer> part)
    {
        if (!part.Succeeded || part.Value.Energies.Length == Rows)
            return Complete(part);
        QueryAnswer[] parts;
        lock (_gate)
        {
            (_parts ??= []).Add(first, part.Value);
            _answered += part.Value.Energies.Length;
            if (_answered < Rows)
                return false;
            parts = [.. _parts.Values];
        }
        return Complete(QueryAnswer.Join(parts));
    }

    public void Drop(CancellationToken cancellationToken) => _answer.TrySetCanceled(cancellationToken);
}

/// <summary>Rows of a query that one slot has taken.</summary>
internal sealed class QueryPart(PendingQuery pending, int first, int rows)
{
    private ModelQuery? _query;

    public PendingQuery Whole => pending;

    public int Rows => rows;

    /// <value>The query about these rows alone; copied at the first call, on the slot's thread.</value>
    public ModelQuery Query => _query ??= rows == pending.Rows ? pending.Query : pending.Query with { Inputs = pending.Query.Inputs.Slice(first, rows) };

    /// <returns>Whether this ended the query.</returns>
    public bool Complete(Outcome<QueryAnswer> outcome) => pending.Complete(first, outcome);
}
