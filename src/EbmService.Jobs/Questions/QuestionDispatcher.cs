using EbmService.Core.Evaluation;
using EbmService.Core.Failures;
using EbmService.Jobs.Slots;

namespace EbmService.Jobs.Questions;

/// <inheritdoc cref="IQuestionDispatcher"/>
internal sealed class QuestionDispatcher(SlotBoard board) : IQuestionDispatcher
{
    private static readonly TimeSpan QuestionRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DeviceRetry = TimeSpan.FromSeconds(10);

    public static Failure DeviceLost { get; } = new(FailureCode.DeviceLost, "The device does not answer.", "Try again later.")
    {
        RetryAfter = DeviceRetry,
    };

    public static Failure ShuttingDown { get; } =
        new(FailureCode.ShuttingDown, "The server is shutting down.", "Try again when it is back.");

    public static Failure QueueFull { get; } =
        new(FailureCode.QueueFull, "Too many questions wait for the device.", "Ask again after the stated time.") { RetryAfter = QuestionRetry };

    public async Task<Outcome<EvaluationAnswer>> AskAsync(EvaluationQuery query, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var question = new PendingQuestion(query);
        if (board.TryAsk(question, out LinkedListNode<PendingQuestion>? place) is { } refusal)
            return refusal;
        await using CancellationTokenRegistration registration = cancellation.Register(() => Drop(question, place!, cancellation));
        return await question.Answer;
    }

    private void Drop(PendingQuestion question, LinkedListNode<PendingQuestion> place, CancellationToken cancellation)
    {
        board.Withdraw(place);
        question.Drop(cancellation);
    }
}
