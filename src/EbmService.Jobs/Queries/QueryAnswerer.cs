using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Queries;
using EbmService.Jobs.Recording;
using EbmService.Jobs.Telemetry;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Queries;

/// <summary>Evaluates a batch on a slot's thread; a poisoned query fails alone.</summary>
internal sealed class QueryAnswerer(IQueryEvaluator evaluator, QueryMetrics metrics, ILogger<QueryAnswerer> log)
{
    /// <exception cref="DeviceLostException">After every query of the batch was told so.</exception>
    public void Answer(IReadOnlyList<QueryPart> batch)
    {
        List<QueryPart> asked = [.. batch.Where(part => !part.Whole.IsOver)];
        if (asked.Count == 0)
            return;
        metrics.Taken(asked);
        try
        {
            if (TryTogether(asked))
                return;
            foreach (QueryPart part in asked.Where(part => !part.Whole.IsOver))
                Complete(part, Alone(part));
        }
        catch (DeviceLostException)
        {
            foreach (QueryPart part in asked)
                Complete(part, QueryDispatcher.DeviceLost);
            throw;
        }
    }

    private bool TryTogether(List<QueryPart> asked)
    {
        try
        {
            IReadOnlyList<Outcome<QueryAnswer>> outcomes = Evaluate(asked);
            for (int i = 0; i < asked.Count; i++)
                Complete(asked[i], outcomes[i]);
            return true;
        }
        catch (Exception e) when (e is not DeviceLostException)
        {
            log.QueryBatchFailed(e, asked.Count);
            return false;
        }
    }

    private Outcome<QueryAnswer> Alone(QueryPart part)
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
            log.QueryFailed(e, part.Query.Model.ToString());
            return JobRecorder.FailureOf(e);
        }
    }

    private IReadOnlyList<Outcome<QueryAnswer>> Evaluate(List<QueryPart> asked)
    {
        IReadOnlyList<Outcome<QueryAnswer>> outcomes = evaluator.Evaluate([.. asked.Select(part => part.Query)]);
        return outcomes.Count == asked.Count
            ? outcomes
            : throw new InvalidOperationException($"the evaluator gave {outcomes.Count} outcomes to {asked.Count} queries");
    }

    private static void Complete(QueryPart part, Outcome<QueryAnswer> outcome) => part.Complete(outcome);
}
