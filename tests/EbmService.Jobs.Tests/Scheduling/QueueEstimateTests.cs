using EbmService.Jobs.Scheduling;

namespace EbmService.Jobs.Tests.Scheduling;

public sealed class QueueEstimateTests
{
    [Theory]
    [InlineData(10.0, 30.0, 4, 10)]
    [InlineData(0.01, null, 1, 1)]
    [InlineData(1e6, 1.0, 2, 300)]
    [InlineData(null, null, 2, 10)]
    public void RetryAfter_SlotTimeLeft_IsSharedByTheSlotsWithinBounds(double? first, double? second, int slots, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), QueueEstimate.RetryAfter([first, second], slots));
}
