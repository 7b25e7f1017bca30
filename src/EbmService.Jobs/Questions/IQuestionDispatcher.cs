using EbmService.Core.Evaluation;
using EbmService.Core.Failures;

namespace EbmService.Jobs.Questions;

/// <summary>Takes short questions to the device, batched per model, ahead of all blocks. Thread-safe.</summary>
public interface IQuestionDispatcher
{
    /// <summary>Answers at the next quantum boundary.</summary>
    /// <param name="query">A validated query.</param>
    /// <param name="cancellation">When it fires before the question ran, the question is dropped.</param>
    /// <returns>The answer, or <see cref="FailureCode.QueueFull"/>, <see cref="FailureCode.ModelUnavailable"/>, <see cref="FailureCode.DeviceLost"/>, <see cref="FailureCode.NotSupported"/>.</returns>
    Task<Outcome<EvaluationAnswer>> AskAsync(EvaluationQuery query, CancellationToken cancellation);
}
