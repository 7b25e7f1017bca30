using EbmService.Jobs.Progress;
using Microsoft.Extensions.Time.Testing;

namespace EbmService.Jobs.Tests.Progress;

public sealed class RateMeterTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void PerSecond_SteadyWork_IsTheRate()
    {
        var sut = new RateMeter(_clock);
        for (int i = 0; i < 100; i++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            sut.Add(10);
        }
        Assert.InRange(sut.PerSecond()!.Value, 95, 105);
    }

    [Fact]
    public void PerSecond_LongPause_ForgetsWhatWasBefore()
    {
        var sut = new RateMeter(_clock);
        sut.Add(1000);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1000, sut.PerSecond());
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Null(sut.PerSecond());
    }

    [Fact]
    public void PerSecond_WorkAfterAWait_CountsFromItsBegin()
    {
        var sut = new RateMeter(_clock);
        _clock.Advance(TimeSpan.FromSeconds(30.7));
        sut.Resume();
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        sut.Add(100);
        // Another block, while there is work.
        sut.Resume();
        _clock.Advance(TimeSpan.FromSeconds(0.5));
        sut.Add(100);

        Assert.Equal(200, sut.PerSecond()!.Value, 6);
    }

    [Fact]
    public void PerSecond_WorkDone_StaysUntilThereIsMore()
    {
        var sut = new RateMeter(_clock);
        _clock.Advance(TimeSpan.FromSeconds(1));
        sut.Add(100);
        sut.Stop();
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(100, sut.PerSecond()!.Value, 6);

        sut.Resume();
        _clock.Advance(TimeSpan.FromSeconds(1));
        sut.Add(30);

        Assert.Equal(30, sut.PerSecond()!.Value, 6);
    }

    [Fact]
    public void PerSecond_NothingMeasured_IsNull() => Assert.Null(new RateMeter(_clock).PerSecond());
}
