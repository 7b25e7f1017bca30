using EbmService.Core.Evaluation;
using EbmService.Core.Failures;
using EbmService.Jobs.Admission;
using EbmService.Jobs.Execution;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Questions;

/// <inheritdoc cref="IQuestionDispatcher"/>
internal sealed class QuestionDispatcher(JobBoard board, IOptions<JobLimitsOptions> limits) : IQuestionDispatcher
{
    private static readonly TimeSpan QuestionRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DeviceRetry = TimeSpan.FromSeconds(10);

    public static Failure DeviceLost { get; } = new(FailureCode.DeviceLost, "The device does not answer.", "Try again later.")
    {
        RetryAfter = DeviceRetry,
    };

    public static Failure ShuttingDown { get; } =
        new(FailureCode.ShuttingDown, "The server is shutting down.", "Try again when it is back.");

    public async Task<Outcome<EvaluationAnswer>> AskAsync(EvaluationQuery query, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var question = new PendingQuestion(query);
        LinkedListNode<PendingQuestion> place;
        lock (board.Gate)
        {
            if (board.IsStopping)
                return ShuttingDown;
            if (!board.HasDevice)
                return DeviceLost;
            if (board.Questions.Count >= limits.Value.MaxQueuedQuestions)
                return QueueFull();
            place = board.Questions.Add(question);
            board.WakeForQuestion();
        }
        await using CancellationTokenRegistration registration = cancellation.Register(() => Drop(question, place, cancellation));
        return await question.Answer;
    }

    private static Failure QueueFull() =>
        new(FailureCode.QueueFull, "Too many questions wait for the device.", "Ask again after the stated time.") { RetryAfter = QuestionRetry };

    private void Drop(PendingQuestion question, LinkedListNode<PendingQuestion> place, CancellationToken cancellation)
    {
        lock (board.Gate)
            board.Questions.Remove(place);
        question.Drop(cancellation);
    }
}
