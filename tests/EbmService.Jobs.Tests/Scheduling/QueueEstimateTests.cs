using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

public sealed class QueueEstimateTests
{
    [Theory]
    [InlineData(1000, 100.0, 10)]
    [InlineData(1, 100.0, 1)]
    [InlineData(1_000_000, 1.0, 300)]
    [InlineData(1000, null, 10)]
    public void RetryAfter_RemainingWorkAndRate_IsTheQuotientWithinBounds(long remaining, double? rate, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), QueueEstimate.RetryAfter(remaining, rate));
}
