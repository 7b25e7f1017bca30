using System.Collections.Concurrent;
using System.Text;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;

namespace EbmService.Jobs.Tests.Fakes;

/// <summary>What the fake workloads of one job (by its seed) do.</summary>
internal sealed class Script
{
    /// <value>When set, a step waits for a permit.</value>
    public SemaphoreSlim? Permits { get; init; }

    /// <value>Called before each step with the workload, on the slot's thread; may throw.</value>
    public Action<FakeWorkload>? BeforeStep { get; init; }

    /// <value>Called while a workload is saved.</value>
    public Action? OnSave { get; init; }

    /// <value>When set, reports carry these instead of the plain figures.</value>
    public Func<StepReport, StepReport>? Reports { get; init; }

    public SemaphoreSlim Started { get; } = new(0);

    public int StepsDone;
}

/// <summary>Chains that only count; their "samples" say how far they came. Checks that a workload keeps to one thread and to its chain.</summary>
internal sealed class FakeWorkloads : IWorkloadFactory
{
    private readonly ConcurrentDictionary<long, Script> _scripts = new();

    public ConcurrentQueue<string> Journal { get; } = new();

    /// <value>Blocks whose results were taken.</value>
    public ConcurrentQueue<string> Finished { get; } = new();

    public ConcurrentQueue<string> Violations { get; } = new();

    /// <value>Called before a workload is opened; may throw.</value>
    public Action? OnOpen { get; set; }

    public int Alive;

    public Script On(long seed, Script script) => _scripts[seed] = script;

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint = null)
    {
        OnOpen?.Invoke();
        var spec = (SamplingSpec)job.Spec;
        int step = checkpoint is { } bytes ? BitConverter.ToInt32(bytes.Span) : 0;
        Journal.Enqueue($"open {spec.Seed}/{block.Index} at {step}");
        Interlocked.Increment(ref Alive);
        long chain = checkpoint is { } saved ? BitConverter.ToInt64(saved.Span[sizeof(int)..]) : FakeWorkload.ChainAt(0, spec.Seed, block.Index);
        return new FakeWorkload(this, _scripts.GetOrAdd(spec.Seed, _ => new Script()), spec, block, step, chain);
    }
}

internal sealed class FakeWorkload(FakeWorkloads owner, Script script, SamplingSpec spec, BlockPlan block, int step, long chain) : IWorkload
{
    private readonly int _thread = Environment.CurrentManagedThreadId;

    public int Step { get; private set; } = step;

    public BlockPlan Block => block;

    public long Seed => spec.Seed;

    /// <summary>The state that chains of that seed and block are in after so many steps.</summary>
    public static long ChainAt(int steps, long seed, int index)
    {
        long chain = seed * 1_000_003 + index;
        for (int i = 0; i < steps; i++)
            chain = Next(chain);
        return chain;
    }

    public StepReport Advance(QuantumBudget budget)
    {
        CheckThread();
        PreviewFrame? preview = null;
        int limit = Math.Min(block.Steps, budget.StepLimit);
        while (Step < limit)
        {
            script.Started.Release();
            script.Permits?.Wait();
            script.BeforeStep?.Invoke(this);
            Step++;
            chain = Next(chain);
            Interlocked.Increment(ref script.StepsDone);
            owner.Journal.Enqueue($"step {spec.Seed}/{block.Index}");
            if (block.Index == 0 && spec.PreviewEvery > 0 && Step % spec.PreviewEvery == 0)
                preview = new PreviewFrame(Step, [1, 2, 3]);
            if (budget.IsSpent)
                break;
        }
        bool isDone = Step >= block.Steps;
        var report = new StepReport(Step, isDone)
        {
            Metrics = new Dictionary<string, double> { [SamplingJob.EnergyMean] = -Step, [SamplingJob.GradientNorm] = 1 },
            Preview = preview, Statistics = isDone || budget.WantsStatistics ? BitConverter.GetBytes(Step) : null,
        };
        return script.Reports?.Invoke(report) ?? report;
    }

    public byte[] Save()
    {
        CheckThread();
        script.OnSave?.Invoke();
        if (Step < block.Steps)
            owner.Journal.Enqueue($"save {spec.Seed}/{block.Index}");
        return [.. BitConverter.GetBytes(Step), .. BitConverter.GetBytes(chain)];
    }

    public byte[] Finish()
    {
        CheckThread();
        if (chain != ChainAt(Step, spec.Seed, block.Index))
            owner.Violations.Enqueue($"{spec.Seed}/{block.Index} left its chain before step {Step}");
        owner.Finished.Enqueue($"{spec.Seed}/{block.Index} at {Step}");
        return Encoding.UTF8.GetBytes($"{block.Index}:{Step};");
    }

    public void Dispose()
    {
        CheckThread();
        Interlocked.Decrement(ref owner.Alive);
    }

    private static long Next(long chain) => unchecked(chain * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407);

    private void CheckThread()
    {
        if (Environment.CurrentManagedThreadId != _thread || Thread.CurrentThread.IsThreadPoolThread)
            owner.Violations.Enqueue($"{spec.Seed}/{block.Index} on {Thread.CurrentThread.Name}");
    }
}
