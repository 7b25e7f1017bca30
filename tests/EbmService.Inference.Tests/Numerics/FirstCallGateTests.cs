using EbmService.Inference.Numerics;

namespace EbmService.Inference.Tests.Numerics;

public sealed class FirstCallGateTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private readonly FirstCallGate _sut = new(capacity: 10);

    [Fact]
    public void Enter_TwoFirstCalls_OneWaitsForTheOther()
    {
        using var second = new ManualResetEventSlim();
        Thread thread;
        using (FirstCallGate.Passage passage = _sut.Enter([1, 2], 1))
        {
            thread = InBackground([3, 4], second);
            Assert.False(second.Wait(Moment, Cancel), "two first calls ran at once");
            passage.Done(0);
        }
        Assert.True(second.Wait(Patience, Cancel));
        thread.Join();
        Assert.Equal(2, _sut.Known);
    }

    [Fact]
    public void Enter_KnownSignature_PassesWhileAnotherFirstCallRuns()
    {
        Call([1, 2], 1);
        using var known = new ManualResetEventSlim();
        using FirstCallGate.Passage passage = _sut.Enter([3, 4], 1);

        Thread thread = InBackground([1, 2], known);

        Assert.True(known.Wait(Patience, Cancel), "a known call waited");
        thread.Join();
        passage.Done(0);
    }

    [Fact]
    public void Enter_CallThatThrows_StaysUnknownAndLetsOthersIn()
    {
        Assert.Throws<InvalidOperationException>((Action)Fail);
        using var other = new ManualResetEventSlim();

        InBackground([2], other).Join();

        Assert.Equal(1, _sut.Known);

        void Fail()
        {
            using FirstCallGate.Passage passage = _sut.Enter([1], 1);
            throw new InvalidOperationException();
        }
    }

    [Fact]
    public void Enter_MorePrimitivesThanTheCacheKeeps_ForgetsAllButTheLast()
    {
        Call([1], 6);
        Call([2], 4);
        Assert.Equal(2, _sut.Known);

        Call([3], 1);

        Assert.Equal(1, _sut.Known);
    }

    [Fact]
    public void Enter_FirstCallInsideAnother_DoesNotWaitForItself()
    {
        using FirstCallGate.Passage outer = _sut.Enter([1], 1);
        Call([2], 1);
        outer.Done(0);

        Assert.Equal(1, _sut.Known);
    }

    private void Call(long[] signature, int primitives)
    {
        using FirstCallGate.Passage passage = _sut.Enter(signature, primitives);
        passage.Done(0);
    }

    private Thread InBackground(long[] signature, ManualResetEventSlim done)
    {
        var thread = new Thread(() =>
        {
            Call(signature, 1);
            done.Set();
        });
        thread.Start();
        return thread;
    }
}
