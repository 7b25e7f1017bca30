using System.Collections.Concurrent;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures.Mlp;
using EbmService.Inference.Tuning;

namespace EbmService.Inference.Tests.Tuning;

public sealed class BlockSizeTunerTests
{
    [Theory]
    [InlineData(1, new[] { 1 })]
    [InlineData(2, new[] { 1, 2 })]
    [InlineData(6, new[] { 1, 2, 4, 6 })]
    [InlineData(8, new[] { 1, 2, 4, 8 })]
    public void SlotCounts_AnyNumber_DoublesUpToAll(int slots, int[] expected) => Assert.Equal(expected, BlockSizeTuner.SlotCounts(slots));

    [Fact]
    public void Run_SlowLargeBlocks_FindsTheSmallOne()
    {
        // A step of 4 chains takes 1 ms, one of 8 takes 6: 4 000 against 1 333 chain-steps per second.
        var workloads = new FakeWorkloads(chains => chains == 4 ? 1 : 6);

        TuningReport report = new BlockSizeTuner(new FakeDevice(1), workloads).Run(Request([8, 4]), null, CancellationToken.None);

        Assert.Equal(4, report.Best.BlockSize);
        Assert.Equal([(4, 1), (8, 1)], report.Points.Select(point => (point.BlockSize, point.Slots)));
        Assert.All(report.Points, point => Assert.Equal(2, point.Rates.Count));
        Assert.InRange(report.Points[0].Median, 500, 4000);
        Assert.Equal("cpu", report.DeviceKind);
    }

    [Fact]
    public void Run_TwoSlots_RunsBlocksOfOneJobSideBySideInRounds()
    {
        var workloads = new FakeWorkloads(_ => 1);
        var rounds = new List<int>();

        TuningReport report = new BlockSizeTuner(new FakeDevice(2), workloads).Run(Request([4]), rounds.Add, CancellationToken.None);

        Assert.Equal([1, 2], rounds);
        Assert.Equal(2 * (1 + 2), workloads.Opened.Count);
        Assert.Contains((SamplingPrecision.Bfloat16, 4, 8, 1), workloads.Opened);
        Assert.True(report.Points[1].Median > 1.2 * report.Points[0].Median, "two sleeping blocks advance twice as much as one");
    }

    [Fact]
    public async Task Run_AFailingBlock_FailsAndLeavesNobodyWaiting()
    {
        var workloads = new FakeWorkloads(_ => 1) { FailingBlock = 1 };

        Task run = Task.Run(() => new BlockSizeTuner(new FakeDevice(2), workloads).Run(Request([4]), null, CancellationToken.None), TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<FailureException>(() => run.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    private static TuningRequest Request(int[] sizes) => new()
    {
        Model = Model(), BlockSizes = sizes, Rounds = 2, Length = TimeSpan.FromMilliseconds(60), Precision = SamplingPrecision.Bfloat16,
    };

    private static HostedModel Model() => new()
    {
        Key = new ModelKey("m", "1"),
        State = ModelState.Ready,
        Digest = "sha256:0",
        Descriptor = new ModelDescriptor
        {
            Name = "m", Title = "m", Architecture = new MlpSpec([4]), Input = new InputSchema(InputKind.Vector, [2], -3, 3),
        },
    };

    private sealed class FakeDevice(int slots) : IComputeDevice
    {
        public DeviceInfo Info { get; } = new("cpu", slots, "none");

        public void BindSlotThread()
        {
        }
    }

    private sealed class FakeWorkloads(Func<int, int> millisecondsPerStep) : IWorkloadFactory
    {
        public ConcurrentBag<(SamplingPrecision Precision, int BlockSize, int Chains, int Index)> Opened { get; } = [];

        public int? FailingBlock { get; init; }

        public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint = null)
        {
            if (block.Index == FailingBlock)
                throw new FailureException(new Failure(FailureCode.Internal, "as asked"));
            var spec = (SamplingSpec)job.Spec;
            Opened.Add((spec.Precision, spec.BlockSize, spec.Chains, block.Index));
            return new FakeWorkload(millisecondsPerStep(block.Chains));
        }
    }

    private sealed class FakeWorkload(int milliseconds) : IWorkload
    {
        private int _step;

        public StepReport Advance(QuantumBudget budget)
        {
            do
            {
                Thread.Sleep(milliseconds);
                _step++;
            }
            while (!budget.IsSpent);
            return new StepReport(_step, false);
        }

        public byte[] Save() => [];

        public byte[] Finish() => [];

        public void Dispose()
        {
        }
    }
}
