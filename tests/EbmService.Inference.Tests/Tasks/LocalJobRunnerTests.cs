using System.Collections.Concurrent;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Tasks;

namespace EbmService.Inference.Tests.Tasks;

public sealed class LocalJobRunnerTests
{
    private readonly FakeDevice _device = new(Slots: 2);
    private readonly CountingWorkloads _workloads = new();
    private readonly JudgingAt _judge = new();

    [Fact]
    public void Run_WithoutRules_DoesAllStepsAndOpensEachBlockOnce()
    {
        LocalJobResult result = Run(Spec(chains: 10, steps: 50));

        Assert.Equal(StopReason.Completed, result.Stopped);
        Assert.Equal([0, 1, 2, 3, 4], result.Blocks.Select(block => block.Block.Index));
        Assert.All(result.Blocks, block => Assert.Equal(50, BitConverter.ToInt32(block.Read().Span)));
        Assert.Equal(5, _workloads.Opened);
        Assert.Empty(_judge.Steps);
    }

    [Fact]
    public void Run_UntilARuleHolds_StopsEveryBlockAtThatStep()
    {
        _judge.StopAt = 30;

        LocalJobResult result = Run(Spec(chains: 10, steps: 1000) with { Stop = new StopRules(UntilEss: 5, CheckEvery: 10) });

        Assert.Equal(SamplingJob.UntilEss, result.Stopped);
        Assert.All(result.Blocks, block => Assert.Equal(30, BitConverter.ToInt32(block.Read().Span)));
        Assert.Equal([10, 20, 30], _judge.Steps);
        Assert.True(_judge.EveryCallWasExact);
    }

    [Theory]
    [InlineData(25, new[] { 10, 20 })]
    [InlineData(20, new[] { 10 })]
    public void Run_ARuleThatNeverHolds_DoesAllSteps(int steps, int[] judged)
    {
        LocalJobResult result = Run(Spec(chains: 4, steps) with { Stop = new StopRules(UntilRHat: 1.01, CheckEvery: 10) });

        Assert.Equal(StopReason.Completed, result.Stopped);
        Assert.All(result.Blocks, block => Assert.Equal(steps, BitConverter.ToInt32(block.Read().Span)));
        Assert.Equal(judged, _judge.Steps);
    }

    [Fact]
    public void Run_Deadline_KeepsBegunBlocksWhereTheyAreAndDropsTheOthers()
    {
        LocalJobResult result = Run(Spec(chains: 400, steps: 1_000_000) with { Stop = new StopRules(DeadlineSeconds: 5) });

        Assert.Equal(StopReason.Deadline, result.Stopped);
        Assert.InRange(result.Blocks.Count, 1, 2);
        Assert.All(result.Blocks, block => Assert.InRange(BitConverter.ToInt32(block.Read().Span), 1, 999_999));
    }

    [Fact]
    public void Run_DeadlineBetweenTwoChecks_EndsBlocksThatWait()
    {
        LocalJobResult result = Run(Spec(chains: 8, steps: 1_000_000) with { Stop = new StopRules(UntilEss: 5, CheckEvery: 10, DeadlineSeconds: 30) });

        Assert.Equal(StopReason.Deadline, result.Stopped);
        Assert.Equal(4, result.Blocks.Count);
        Assert.All(result.Blocks, block => Assert.InRange(BitConverter.ToInt32(block.Read().Span), 1, 999_999));
    }

    [Fact]
    public void Run_DeadlineBeforeAnyStep_SaysSo()
    {
        FailureException failure = Assert.Throws<FailureException>(() => Run(Spec(chains: 4, steps: 10) with { Stop = new StopRules(DeadlineSeconds: 1e-6) }));

        Assert.Equal(FailureCode.DeadlineExceeded, failure.Failure.Code);
    }

    [Fact]
    public void Run_Reports_CarryLiveDiagnosticsAndMeans()
    {
        var reports = new List<JobProgress>();

        Run(Spec(chains: 8, steps: 400), reports.Add);

        // Live figures come when they are ready; the last report waits for those of all draws.
        Assert.All(reports.SkipLast(1), progress => Assert.True(progress.Metric(SamplingJob.RHat) is null or 1.5));
        Assert.Equal((1.25, 99.0), (reports[^1].Metric(SamplingJob.RHat), reports[^1].Metric(SamplingJob.EssBulk)));
        Assert.Equal(1, reports[^1].Fraction);
        Assert.Equal(0.25, reports[^1].Metric(SamplingJob.Acceptance));
        Assert.Equal(2.0, reports[^1].Metric(SamplingJob.EnergyMean)!.Value, 12);
    }

    private LocalJobResult Run(SamplingSpec spec, Action<JobProgress>? report = null)
    {
        var types = new JobTypeRegistry([_judge]);
        var sut = new LocalJobRunner(_device, types, _workloads, types, new TickingClock());
        LocalJobResult result = sut.Run(new JobDefinition("local", new ModelReference("m", "1", ""), spec), report, TestContext.Current.CancellationToken);
        Assert.Empty(_workloads.Faults);
        return result;
    }

    private static SamplingSpec Spec(int chains, int steps) => SamplingSpecs.Create(chains, steps, blockSize: 2);

    private sealed record FakeDevice(int Slots) : IComputeDevice
    {
        public DeviceInfo Info => new("fake", Slots, "none");

        public void BindSlotThread()
        {
        }
    }

    /// <summary>Every look at the clock takes 20 ms.</summary>
    private sealed class TickingClock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Interlocked.Add(ref _now, 20);
    }

    /// <summary>Judges by the step alone.</summary>
    private sealed class JudgingAt : IJobType
    {
        public int StopAt { get; set; } = int.MaxValue;

        public List<int> Steps { get; } = [];

        public bool EveryCallWasExact { get; private set; } = true;

        public JobTypeDescription Description => SamplingJob.Description;

        public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) => throw new NotSupportedException();

        public JobPlan Plan(JobSpec spec) => JobPlan.Create(((SamplingSpec)spec).Chains, ((SamplingSpec)spec).BlockSize, _ => ((SamplingSpec)spec).Steps);

        public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint) => throw new NotSupportedException();

        public void Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files) =>
            throw new NotSupportedException();

        public JobStatistics Compute(JobDefinition job, IReadOnlyList<BlockStatistics> blocks, bool live)
        {
            if (live)
                return Numbers(1.5, 77);
            int[] steps = [.. blocks.Select(block => BitConverter.ToInt32(block.Content.Span))];
            EveryCallWasExact &= steps.Distinct().Count() == 1;
            if (job.Spec.CheckEvery is not null)
                Steps.Add(steps[0]);
            return Numbers(1.25, 99) with { Verdict = steps[0] >= StopAt ? SamplingJob.UntilEss : null };
        }

        private static JobStatistics Numbers(double rHat, double ess) =>
            new(new Dictionary<string, double> { [SamplingJob.RHat] = rHat, [SamplingJob.EssBulk] = ess });
    }

    private sealed class CountingWorkloads : IWorkloadFactory
    {
        private int _opened;

        public ConcurrentQueue<string> Faults { get; } = [];

        public int Opened => _opened;

        public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint = null)
        {
            Interlocked.Increment(ref _opened);
            return new Workload(this, block, checkpoint is { } bytes ? BitConverter.ToInt32(bytes.Span) : 0);
        }

        private sealed class Workload(CountingWorkloads owner, BlockPlan block, int step) : IWorkload
        {
            private readonly int _thread = Environment.CurrentManagedThreadId;
            private int _step = step;

            public StepReport Advance(QuantumBudget budget)
            {
                CheckThread();
                while (_step < Math.Min(block.Steps, budget.StepLimit))
                {
                    _step++;
                    if (budget.IsSpent)
                        break;
                }
                return new StepReport(_step, _step == block.Steps)
                {
                    Metrics = new Dictionary<string, double> { [SamplingJob.EnergyMean] = 2, [SamplingJob.Acceptance] = 0.25 },
                    Statistics = budget.WantsStatistics ? BitConverter.GetBytes(_step) : null,
                };
            }

            public byte[] Save()
            {
                CheckThread();
                return BitConverter.GetBytes(_step);
            }

            public byte[] Finish()
            {
                CheckThread();
                return BitConverter.GetBytes(_step);
            }

            public void Dispose() => CheckThread();

            private void CheckThread()
            {
                if (_thread != Environment.CurrentManagedThreadId)
                    owner.Faults.Enqueue($"block {block.Index} was used on two threads");
            }
        }
    }
}
