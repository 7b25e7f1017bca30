using EbmService.Core.Evaluation;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Jobs.Recording;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Questions;

/// <summary>Evaluates a batch on a slot's thread; a poisoned question fails alone.</summary>
internal sealed class QuestionAnswerer(IModelEvaluator evaluator, JobsMetrics metrics, ILogger<QuestionAnswerer> log)
{
    /// <exception cref="DeviceLostException">After every question of the batch was told so.</exception>
    public void Answer(IReadOnlyList<PendingQuestion> batch)
    {
        List<PendingQuestion> asked = [.. batch.Where(question => !question.IsOver)];
        if (asked.Count == 0)
            return;
        metrics.Answered(asked.Sum(question => question.Query.Inputs.Rows));
        try
        {
            if (TryTogether(asked))
                return;
            foreach (PendingQuestion question in asked.Where(question => !question.IsOver))
                Complete(question, Alone(question));
        }
        catch (DeviceLostException)
        {
            foreach (PendingQuestion question in asked)
                Complete(question, QuestionDispatcher.DeviceLost);
            throw;
        }
    }

    private bool TryTogether(List<PendingQuestion> asked)
    {
        try
        {
            IReadOnlyList<Outcome<EvaluationAnswer>> outcomes = Evaluate(asked);
            for (int i = 0; i < asked.Count; i++)
                Complete(asked[i], outcomes[i]);
            return true;
        }
        catch (Exception e) when (e is not DeviceLostException)
        {
            log.QuestionBatchFailed(e, asked.Count);
            return false;
        }
    }

    private Outcome<EvaluationAnswer> Alone(PendingQuestion question)
    {
        try
        {
            return Evaluate([question])[0];
        }
        catch (FailureException e)
        {
            return e.Failure;
        }
        catch (Exception e) when (e is not DeviceLostException)
        {
            log.QuestionFailed(e, question.Query.Model.ToString());
            return JobRecorder.FailureOf(e);
        }
    }

    private IReadOnlyList<Outcome<EvaluationAnswer>> Evaluate(List<PendingQuestion> asked)
    {
        IReadOnlyList<Outcome<EvaluationAnswer>> outcomes = evaluator.Evaluate([.. asked.Select(question => question.Query)]);
        return outcomes.Count == asked.Count
            ? outcomes
            : throw new InvalidOperationException($"the evaluator gave {outcomes.Count} outcomes to {asked.Count} queries");
    }

    private void Complete(PendingQuestion question, Outcome<EvaluationAnswer> outcome)
    {
        if (question.Complete(outcome))
            metrics.QuestionEnded(outcome.Succeeded);
    }
}
