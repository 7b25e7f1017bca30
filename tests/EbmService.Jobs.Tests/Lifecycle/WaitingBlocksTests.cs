using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Tests.Fakes;

namespace EbmService.Jobs.Tests.Lifecycle;

/// <summary>In which order blocks wait for slots, and what they hold meanwhile.</summary>
public sealed class WaitingBlocksTests
{
    /// <summary>So many that work which grows with their square would not end within the test run.</summary>
    private const int Many = 500_000;

    [Fact]
    public void RestoreParked_ManyBlocks_WaitInTheirOrder()
    {
        Job sut = NewJob(Many);
        for (int index = 0; index < Many; index++)
            sut.RestoreParked(index, 1);
        sut.Join(null);

        for (int index = 0; index < Many; index++)
            Assert.Equal(index, sut.TryOpen()!.Plan.Index);
        Assert.Null(sut.TryOpen());
    }

    [Fact]
    public void TryOpen_ParkedAndFreshBlocks_ParkedOnesGoFirst()
    {
        Job sut = NewJob(4);
        sut.RestoreParked(2, 1);
        sut.Join(null);
        IBlock parked = sut.TryOpen()!, fresh = sut.TryOpen()!;
        Assert.Equal((2, 0), (parked.Plan.Index, fresh.Plan.Index));
        sut.Lose(fresh);
        sut.Park(parked, [1], TimeSpan.Zero, write: false);

        Assert.Equal([2, 0, 1, 3], [.. Enumerable.Range(0, 4).Select(_ => sut.TryOpen()!.Plan.Index)]);
    }

    [Fact]
    public void Offer_ParkedBlocks_CountsTheCheckpointsThatAreInMemory()
    {
        Job sut = NewJob(3);
        sut.Join(null);
        IBlock[] open = [sut.TryOpen()!, sut.TryOpen()!, sut.TryOpen()!];
        Assert.Equal(0, sut.Offer().ParkedBytes);
        byte[] first = [1, 2, 3];
        sut.Park(open[0], first, TimeSpan.Zero, write: true);
        sut.Park(open[1], [4, 5], TimeSpan.Zero, write: false);
        Assert.Equal(5, sut.Offer().ParkedBytes);
        sut.Written(open[0], first, TimeSpan.Zero);
        Assert.Equal(2, sut.Offer().ParkedBytes);
        Assert.Equal(1, sut.TryOpen()!.Plan.Index);

        Assert.Equal(0, sut.Offer().ParkedBytes);
    }

    private static Job NewJob(int blocks)
    {
        SamplingSpec spec = JobsHost.Spec(chains: blocks, steps: 3, blockSize: 1);
        var snapshot = new JobSnapshot
        {
            Id = new string('0', 32), Status = JobStatus.Queued, Models = JobModel.Only(new ModelReference("m", "1", "sha256:00")), Spec = spec,
            Progress = new JobProgress(), CreatedAt = DateTimeOffset.UnixEpoch,
        };
        return new Job(snapshot, JobPlan.Create(blocks, 1, _ => spec.Steps), epoch: 0, new FakeDuties(), TimeProvider.System);
    }
}
