using EbmService.Core.Failures;
using EbmService.Core.Queries;

namespace EbmService.Jobs.Queries;

/// <summary>Takes short queries to the device, batched per model, ahead of all blocks. Thread-safe.</summary>
public interface IQueryDispatcher
{
    /// <summary>Answers at the next quantum boundary.</summary>
    /// <param name="query">A validated query.</param>
    /// <param name="cancellationToken">When it fires before the query ran, the query is dropped.</param>
    /// <returns>The answer, or <see cref="FailureCode.QueueFull"/>, <see cref="FailureCode.ModelUnavailable"/>, <see cref="FailureCode.DeviceLost"/>, <see cref="FailureCode.NotSupported"/>.</returns>
    Task<Outcome<QueryAnswer>> AskAsync(ModelQuery query, CancellationToken cancellationToken);
}
