using EbmService.Core.Failures;

namespace EbmService.Core.Evaluation;

/// <summary>Answers short questions. Called on a slot's thread only, between quanta.</summary>
public interface IModelEvaluator
{
    /// <summary>Answers many queries at once; their rows are packed into fixed-shape tiles, so an answer never depends on its neighbours.</summary>
    /// <returns>One outcome per query, in order: a query that fails does not take others with it.</returns>
    IReadOnlyList<Outcome<EvaluationAnswer>> Evaluate(IReadOnlyList<EvaluationQuery> queries);
}
