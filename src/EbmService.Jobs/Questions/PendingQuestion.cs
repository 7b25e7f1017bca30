using EbmService.Core.Evaluation;
using EbmService.Core.Failures;

namespace EbmService.Jobs.Questions;

/// <summary>A question on its way to the slots, which answer it in parts. Thread-safe.</summary>
internal sealed class PendingQuestion(EvaluationQuery query)
{
    private readonly TaskCompletionSource<Outcome<EvaluationAnswer>> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private SortedList<int, EvaluationAnswer>? _parts;
    private int _answered;

    public EvaluationQuery Query => query;

    public int Rows => query.Inputs.Rows;

    public Task<Outcome<EvaluationAnswer>> Answer => _answer.Task;

    /// <value>Whether nobody waits for it any more: answered, failed in one of its parts, or dropped.</value>
    public bool IsOver => _answer.Task.IsCompleted;

    /// <summary>Answers all of it at once, or says why there is no answer.</summary>
    /// <returns>Whether this ended it.</returns>
    public bool Complete(Outcome<EvaluationAnswer> outcome) => _answer.TrySetResult(outcome);

    /// <summary>Answers rows from <paramref name="first"/> on. The first part that fails fails the whole; the last that comes makes the answer.</summary>
    /// <returns>Whether this ended it.</returns>
    public bool Complete(int first, Outcome<EvaluationAnswer> part)
    {
        if (!part.Succeeded || part.Value.Energies.Length == Rows)
            return Complete(part);
        EvaluationAnswer[] parts;
        lock (_gate)
        {
            (_parts ??= []).Add(first, part.Value);
            _answered += part.Value.Energies.Length;
            if (_answered < Rows)
                return false;
            parts = [.. _parts.Values];
        }
        return Complete(EvaluationAnswer.Join(parts));
    }

    public void Drop(CancellationToken cancellation) => _answer.TrySetCanceled(cancellation);
}

/// <summary>Rows of a question that one slot has taken.</summary>
internal sealed class QuestionPart(PendingQuestion question, int first, int rows)
{
    public PendingQuestion Question => question;

    public int Rows => rows;

    /// <value>The question about these rows alone.</value>
    public EvaluationQuery Query { get; } =
        rows == question.Rows ? question.Query : question.Query with { Inputs = question.Query.Inputs.Slice(first, rows) };

    /// <returns>Whether this ended the question.</returns>
    public bool Complete(Outcome<EvaluationAnswer> outcome) => question.Complete(first, outcome);
}
