using EbmService.Core.Evaluation;
using EbmService.Core.Failures;
using EbmService.Inference.Devices;

namespace EbmService.Inference.Tasks;

/// <summary>
/// Answers short questions in tiles of eight rows, padded, whatever the batch: rows don't influence one another at a fixed
/// shape, so the same input gives the same bits alone and among strangers. Eight rows are also where CPU batching stops paying.
/// </summary>
internal sealed class ModelEvaluator(LiveModelPool models) : IModelEvaluator
{
    public IReadOnlyList<Outcome<EvaluationAnswer>> Evaluate(IReadOnlyList<EvaluationQuery> queries)
    {
        var answers = new Outcome<EvaluationAnswer>[queries.Count];
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
    private static object GroupKey(EvaluationQuery query) => (query.Model, query.Kind, query.Gradients, query.RefineSteps);

    private void AnswerGroup(IReadOnlyList<EvaluationQuery> queries, int[] members, Outcome<EvaluationAnswer>[] answers)
    {
        EvaluationQuery first = queries[members[0]];
        LiveModel model = models.Get(first.Model);
        var pass = new EvaluationPass(model, first);
        foreach (int member in members)
            pass.Add(queries[member].Inputs);
        pass.Run();
        int row = 0;
        foreach (int member in members)
        {
            answers[member] = EvaluationAnswerFactory.Create(queries[member], model, pass, row);
            row += queries[member].Inputs.Rows;
        }
    }
}
