using EbmService.Core.Evaluation;
using EbmService.Core.Failures;

namespace EbmService.Jobs.Questions;

/// <summary>A question on its way to a slot.</summary>
internal sealed class PendingQuestion(EvaluationQuery query)
{
    private readonly TaskCompletionSource<Outcome<EvaluationAnswer>> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EvaluationQuery Query => query;

    public Task<Outcome<EvaluationAnswer>> Answer => _answer.Task;

    /// <value>Whether nobody waits for it any more.</value>
    public bool IsOver => _answer.Task.IsCompleted;

    public bool Complete(Outcome<EvaluationAnswer> outcome) => _answer.TrySetResult(outcome);

    public void Drop(CancellationToken cancellation) => _answer.TrySetCanceled(cancellation);
}
