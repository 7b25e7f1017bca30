using System.Collections.Concurrent;
using EbmService.Cli.Engine;
using EbmService.Cli.Tuning;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using Microsoft.Extensions.DependencyInjection;

namespace EbmService.Cli.Tests.Tuning;

/// <summary>On the real engine, over workloads whose steps take a known time.</summary>
public sealed class BlockSizeTunerTests
{
    [Theory]
    [InlineData(1, new[] { 1 })]
    [InlineData(2, new[] { 1, 2 })]
    [InlineData(6, new[] { 1, 2, 4, 6 })]
    [InlineData(8, new[] { 1, 2, 4, 8 })]
    public void SlotCounts_AnyNumber_DoublesUpToAll(int slots, int[] expected) => Assert.Equal(expected, BlockSizeTuner.SlotCounts(slots));

    [Fact]
    public async Task RunAsync_SlowLargeBlocks_FindsTheSmallOne()
    {
        // A step of 4 chains takes 1 ms, one of 8 takes 6: 4 000 against 1 333 chain-steps per second.
        await using LocalEngine engine = Open(1, new FakeWorkloads(chains => chains == 4 ? 1 : 6));

        TuningReport report = await new BlockSizeTuner(engine).RunAsync(Request(engine, [8, 4]), null, Cancel);

        Assert.Equal(4, report.Best.BlockSize);
        Assert.Equal([(4, 1), (8, 1)], report.Points.Select(point => (point.BlockSize, point.Slots)));
        Assert.All(report.Points, point => Assert.Equal(2, point.Rates.Count));
        Assert.InRange(report.Points[0].Median, 500, 4000);
        Assert.InRange(report.Points[1].Median, 200, 1334);
        Assert.Equal("cpu", report.DeviceKind);
    }

    [Fact]
    public async Task RunAsync_TwoSlots_RunsBlocksSideBySideInRounds()
    {
        var workloads = new FakeWorkloads(_ => 1);
        var rounds = new List<int>();
        await using LocalEngine engine = Open(2, workloads);

        TuningReport report = await new BlockSizeTuner(engine).RunAsync(Request(engine, [4]), rounds.Add, Cancel);

        Assert.Equal([1, 2], rounds);
        // A block that began on the other's slot is opened there once more.
        Assert.InRange(workloads.Opened.Count, 2 * (1 + 2), 2 * (1 + 2 + 2));
        Assert.All(workloads.Opened, block => Assert.Equal((SamplingPrecision.Bfloat16, 4, 4), block));
        Assert.True(report.Points[1].Median > 1.2 * report.Points[0].Median, "two sleeping blocks advance twice as much as one");
        Assert.All((await engine.Jobs.ListAsync(new(), Cancel)).OrThrow().Jobs, job => Assert.True(job.Status.IsTerminal()));
    }

    [Fact]
    public async Task RunAsync_AFailingBlock_FailsAndLeavesNothingRunning()
    {
        await using LocalEngine engine = Open(2, new FakeWorkloads(_ => 1) { FailingOpen = 3 });

        Task run = new BlockSizeTuner(engine).RunAsync(Request(engine, [4]), null, Cancel);

        await Assert.ThrowsAsync<FailureException>(() => run.WaitAsync(TimeSpan.FromSeconds(20), Cancel));
        Assert.All((await engine.Jobs.ListAsync(new(), Cancel)).OrThrow().Jobs, job => Assert.True(job.Status.IsTerminal()));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static LocalEngine Open(int slots, IWorkloadFactory workloads) => LocalEngine.Open(CliTestBed.Bundled("two-moons"), services => services
        .AddSingleton(workloads).AddSingleton<IComputeDevice>(new FakeDevice(slots)));

    private static TuningRequest Request(LocalEngine engine, int[] sizes) => new()
    {
        Model = engine.Find(version: null), BlockSizes = sizes, Rounds = 2, Length = TimeSpan.FromMilliseconds(60), Precision = SamplingPrecision.Bfloat16,
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
        private int _opened;

        public ConcurrentBag<(SamplingPrecision Precision, int BlockSize, int Chains)> Opened { get; } = [];

        /// <value>Which of the opened blocks fails.</value>
        public int? FailingOpen { get; init; }

        public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint = null)
        {
            if (Interlocked.Increment(ref _opened) == FailingOpen)
                throw new FailureException(new Failure(FailureCode.Diverged, "as asked"));
            var spec = (SamplingSpec)job.Spec;
            Opened.Add((spec.Precision, spec.BlockSize, spec.Chains));
            return new FakeWorkload(millisecondsPerStep(block.Count), checkpoint is { Length: > 0 } bytes ? BitConverter.ToInt32(bytes.Span) : 0);
        }
    }

    private sealed class FakeWorkload(int milliseconds, int step) : IWorkload
    {
        private int _step = step;

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

        public byte[] Save() => BitConverter.GetBytes(_step);

        public byte[] Finish() => BitConverter.GetBytes(_step);

        public void Dispose()
        {
        }
    }
}
