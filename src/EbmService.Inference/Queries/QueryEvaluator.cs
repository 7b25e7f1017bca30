using EbmService.Core.Failures;
using EbmService.Core.Queries;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;

namespace EbmService.Inference.Queries;

/// <summary>
/// Answers short queries in tiles of eight rows, padded, whatever the batch: rows don't influence one another at a fixed
/// shape, so the same input gives the same bits alone and among strangers. Eight rows are also where CPU batching stops paying.
/// </summary>
internal sealed class QueryEvaluator(LiveModelPool models, NamedCalibrations? calibrations = null) : IQueryEvaluator
{
    public IReadOnlyList<Outcome<QueryAnswer>> Evaluate(IReadOnlyList<ModelQuery> queries)
    {
        var answers = new Outcome<QueryAnswer>[queries.Count];
        foreach (IGrouping<object, int> group in Enumerable.Range(0, queries.Count).GroupBy(i => GroupKey(queries[i])))
        {
            int[] members = [.. group];
            try
            {
                NativeFailures.Translate(() => AnswerGroup(queries, members, answers));
            }
            catch (FailureException exception)
            {
                foreach (int member in members)
                    answers[member] = exception.Failure;
            }
        }
        return answers;
    }

    /// <summary>Queries that one pass over the same rows can answer.</summary>
    private static object GroupKey(ModelQuery query) => (query.Model, query.Kind, query.Gradients, query.RefineSteps, OodScorer.Chain.Contains(query.Score), query.Calibration, query.AbstainBelow is not null);

    private void AnswerGroup(IReadOnlyList<ModelQuery> queries, int[] members, Outcome<QueryAnswer>[] answers)
    {
        ModelQuery first = queries[members[0]];
        using ModelLease lease = models.Lease(first.Model);
        LiveModel model = lease.Model;
        OodCalibration? calibration = first.Kind == QueryKind.Energy || calibrations is null ? model.Calibration : calibrations.Find(model, first.Calibration);
        var pass = new QueryPass(model, first, calibration);
        foreach (int member in members)
            pass.Add(queries[member].Inputs);
        pass.Run();
        int row = 0;
        foreach (int member in members)
        {
            answers[member] = QueryAnswerFactory.Create(queries[member], model, pass, row);
            row += queries[member].Inputs.Rows;
        }
    }
}
