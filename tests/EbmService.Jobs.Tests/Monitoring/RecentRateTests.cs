using EbmService.Jobs.Monitoring;
using Microsoft.Extensions.Time.Testing;

namespace EbmService.Jobs.Tests.Monitoring;

public sealed class RecentRateTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void PerSecond_WholeIntervals_AreTheirRatesOldestFirst()
    {
        RecentRate sut = Create();
        foreach (double amount in new[] { 10.0, 20, 30, 40, 50 })
        {
            sut.Add(amount);
            _clock.Advance(TimeSpan.FromSeconds(2));
        }
        sut.Add(1000);

        Assert.Equal([10.0, 15, 20, 25], sut.PerSecond());
    }

    [Fact]
    public void PerSecond_BeforeTheFirstWholeInterval_IsEmpty()
    {
        RecentRate sut = Create();
        sut.Add(10);

        Assert.Empty(sut.PerSecond());
    }

    [Theory]
    [InlineData(6)]
    [InlineData(1000)]
    public void PerSecond_AfterAPause_ForgetsWhatWasBefore(int seconds)
    {
        RecentRate sut = Create();
        sut.Add(10);
        _clock.Advance(TimeSpan.FromSeconds(2 + 2 * 4 + seconds));

        Assert.Equal([0.0, 0, 0, 0], sut.PerSecond());
    }

    [Fact]
    public void Sum_OfDifferentLengths_EndsTogether() =>
        Assert.Equal([1.0, 12, 23], RecentIntervals.Sum([[10, 20], [1, 2, 3]]));

    [Fact]
    public void BusyShare_HalfOfTheTime_IsAHalf()
    {
        var sut = new BusyShare(_clock);
        for (int i = 0; i < 40; i++)
        {
            sut.Begin();
            _clock.Advance(TimeSpan.FromMilliseconds(250));
            sut.End();
            _clock.Advance(TimeSpan.FromMilliseconds(250));
        }

        Assert.Equal(0.5, sut.Now(), 2);
    }

    private RecentRate Create() => new(_clock, TimeSpan.FromSeconds(2), 4);
}
