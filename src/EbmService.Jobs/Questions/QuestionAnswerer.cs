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
    public void Answer(IReadOnlyList<QuestionPart> batch)
    {
        List<QuestionPart> asked = [.. batch.Where(part => !part.Question.IsOver)];
        if (asked.Count == 0)
            return;
        metrics.Answered(asked.Sum(part => part.Rows));
        try
        {
            if (TryTogether(asked))
                return;
            foreach (QuestionPart part in asked.Where(part => !part.Question.IsOver))
                Complete(part, Alone(part));
        }
        catch (DeviceLostException)
        {
            foreach (QuestionPart part in asked)
                Complete(part, QuestionDispatcher.DeviceLost);
            throw;
        }
    }

    private bool TryTogether(List<QuestionPart> asked)
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

    private Outcome<EvaluationAnswer> Alone(QuestionPart part)
    {
        try
        {
            return Evaluate([part])[0];
        }
        catch (FailureException e)
        {
            return e.Failure;
        }
        catch (Exception e) when (e is not DeviceLostException)
        {
            log.QuestionFailed(e, part.Query.Model.ToString());
            return JobRecorder.FailureOf(e);
        }
    }

    private IReadOnlyList<Outcome<EvaluationAnswer>> Evaluate(List<QuestionPart> asked)
    {
        IReadOnlyList<Outcome<EvaluationAnswer>> outcomes = evaluator.Evaluate([.. asked.Select(part => part.Query)]);
        return outcomes.Count == asked.Count
            ? outcomes
            : throw new InvalidOperationException($"the evaluator gave {outcomes.Count} outcomes to {asked.Count} queries");
    }

    private void Complete(QuestionPart part, Outcome<EvaluationAnswer> outcome)
    {
        if (part.Complete(outcome))
            metrics.QuestionEnded(outcome.Succeeded);
    }
}
