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

    public SemaphoreSlim Started { get; } = new(0);

    public int StepsDone;
}

/// <summary>Chains that only count; their "samples" say how far they came. Checks that a workload keeps to one thread.</summary>
internal sealed class FakeWorkloads : IWorkloadFactory
{
    private readonly ConcurrentDictionary<long, Script> _scripts = new();

    public ConcurrentQueue<string> Journal { get; } = new();

    public ConcurrentQueue<string> Violations { get; } = new();

    public int Alive;

    public Script On(long seed, Script script) => _scripts[seed] = script;

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint = null)
    {
        var spec = (SamplingSpec)job.Spec;
        int step = checkpoint is { } bytes ? BitConverter.ToInt32(bytes.Span) : 0;
        Journal.Enqueue($"open {spec.Seed}/{block.Index} at {step}");
        Interlocked.Increment(ref Alive);
        return new FakeWorkload(this, _scripts.GetOrAdd(spec.Seed, _ => new Script()), spec, block, step);
    }
}

internal sealed class FakeWorkload(FakeWorkloads owner, Script script, SamplingSpec spec, BlockPlan block, int step) : IWorkload
{
    private readonly int _thread = Environment.CurrentManagedThreadId;

    public int Step { get; private set; } = step;

    public BlockPlan Block => block;

    public long Seed => spec.Seed;

    public StepReport Advance(QuantumBudget budget)
    {
        CheckThread();
        PreviewFrame? preview = null;
        do
        {
            script.Started.Release();
            script.Permits?.Wait();
            script.BeforeStep?.Invoke(this);
            Step++;
            Interlocked.Increment(ref script.StepsDone);
            owner.Journal.Enqueue($"step {spec.Seed}/{block.Index}");
            if (block.Index == 0 && spec.PreviewEvery > 0 && Step % spec.PreviewEvery == 0)
                preview = new PreviewFrame(Step, [1, 2, 3]);
        }
        while (Step < block.Steps && !budget.IsSpent);
        return new StepReport(Step, Step >= block.Steps) { EnergyMean = -Step, GradientNorm = 1, Preview = preview };
    }

    public byte[] Save()
    {
        CheckThread();
        owner.Journal.Enqueue($"save {spec.Seed}/{block.Index}");
        return BitConverter.GetBytes(Step);
    }

    public byte[] Finish()
    {
        CheckThread();
        return Encoding.UTF8.GetBytes($"{block.Index}:{Step};");
    }

    public void Dispose()
    {
        CheckThread();
        Interlocked.Decrement(ref owner.Alive);
    }

    private void CheckThread()
    {
        if (Environment.CurrentManagedThreadId != _thread || Thread.CurrentThread.IsThreadPoolThread)
            owner.Violations.Enqueue($"{spec.Seed}/{block.Index} on {Thread.CurrentThread.Name}");
    }
}
