namespace EbmService.Core.Failures;

/// <summary>Ends a job or a query with a stated failure. Anything else thrown by a workload counts as <see cref="FailureCode.Internal"/>.</summary>
public sealed class FailureException(Failure failure, Exception? inner = null) : Exception(failure.Message, inner)
{
    public Failure Failure { get; } = failure;
}
