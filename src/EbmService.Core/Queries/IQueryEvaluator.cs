using EbmService.Core.Failures;

namespace EbmService.Core.Queries;

/// <summary>Answers short queries. Called on a slot's thread only, between quanta.</summary>
public interface IQueryEvaluator
{
    /// <summary>Answers many queries at once; their rows are packed into fixed-shape tiles, so an answer never depends on its neighbours.</summary>
    /// <returns>One outcome per query, in order: a query that fails does not take others with it.</returns>
    IReadOnlyList<Outcome<QueryAnswer>> Evaluate(IReadOnlyList<ModelQuery> queries);
}
