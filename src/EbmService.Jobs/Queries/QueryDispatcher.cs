using System.Diagnostics;
using EbmService.Core.Failures;
using EbmService.Core.Queries;
using EbmService.Jobs.Slots;
using EbmService.Jobs.Telemetry;

namespace EbmService.Jobs.Queries;

/// <inheritdoc cref="IQueryDispatcher"/>
internal sealed class QueryDispatcher(SlotBoard board, QueryMetrics metrics, TimeProvider clock) : IQueryDispatcher
{
    private static readonly TimeSpan QueryRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DeviceRetry = TimeSpan.FromSeconds(10);

    public static Failure DeviceLost { get; } = new(FailureCode.DeviceLost, "The device does not answer.", "Try again later.")
    {
        RetryAfter = DeviceRetry,
    };

    public static Failure ShuttingDown { get; } =
        new(FailureCode.ShuttingDown, "The server is shutting down.", "Try again when it is back.");

    public static Failure QueueFull { get; } =
        new(FailureCode.QueueFull, "Too many queries wait for the device.", "Ask again after the stated time.") { RetryAfter = QueryRetry };

    public async Task<Outcome<QueryAnswer>> AskAsync(ModelQuery query, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using Activity? span = JobTracing.StartQuery(query);
        long askedAt = clock.GetTimestamp();
        Outcome<QueryAnswer> outcome = await AskAsync(new PendingQuery(query, askedAt), cancellationToken);
        metrics.Ended(query, outcome, askedAt);
        if (!outcome.Succeeded)
            span?.SetTag(Tags.ErrorType, Tags.Word(outcome.Failure.Code)).SetStatus(ActivityStatusCode.Error, outcome.Failure.Message);
        return outcome;
    }

    private async Task<Outcome<QueryAnswer>> AskAsync(PendingQuery pending, CancellationToken cancellationToken)
    {
        if (board.TryAsk(pending, out LinkedListNode<PendingQuery>? place) is { } refusal)
            return refusal;
        await using CancellationTokenRegistration registration = cancellationToken.Register(() => Drop(pending, place!, cancellationToken));
        return await pending.Answer;
    }

    private void Drop(PendingQuery pending, LinkedListNode<PendingQuery> place, CancellationToken cancellationToken)
    {
        board.Withdraw(place);
        pending.Drop(cancellationToken);
    }
}
