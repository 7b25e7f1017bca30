using System.Diagnostics;
using EbmService.Core.Devices;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Inference.Tasks;

namespace EbmService.Inference.Tuning;

/// <summary>
/// Measures how fast the device runs a model's default chains, by block size and number of slots, with the workloads that jobs get. Decides
/// nothing by itself: a result's bits depend on the block size.
/// </summary>
public sealed class BlockSizeTuner(IComputeDevice device, IWorkloadFactory workloads)
{
    /// <summary>More than any measurement reaches, so that no block ends in one.</summary>
    private const int EndlessSteps = 1_000_000_000;

    private static readonly SamplingPolicy NoLimits = new(int.MaxValue, int.MaxValue, double.MaxValue, double.MaxValue);

    /// <summary>Rounds over all combinations, so that a machine's moods meet all of them; blocks the caller.</summary>
    /// <param name="say">Told after each round.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public TuningReport Run(TuningRequest request, Action<int>? say, CancellationToken cancellation)
    {
        (int BlockSize, int Slots)[] combinations =
            [.. request.BlockSizes.Distinct().Order().SelectMany(size => SlotCounts(device.Info.Slots).Select(slots => (size, slots)))];
        List<double>[] rates = [.. combinations.Select(_ => new List<double>())];
        for (int round = 0; round < request.Rounds; round++)
        {
            foreach ((int i, (int size, int slots)) in combinations.Index())
                rates[i].Add(Measure(request, size, slots, cancellation));
            say?.Invoke(round + 1);
        }
        return new TuningReport(
            device.Info.Kind, request.Precision,
            [.. combinations.Zip(rates, (combination, own) => new TuningPoint(combination.BlockSize, combination.Slots, own))]);
    }

    /// <summary>1, 2, 4, ... and all of them.</summary>
    internal static IReadOnlyList<int> SlotCounts(int slots)
    {
        var counts = new List<int>();
        for (int count = 1; count < slots; count *= 2)
            counts.Add(count);
        return [.. counts, slots];
    }

    private double Measure(TuningRequest request, int blockSize, int slots, CancellationToken cancellation)
    {
        JobDefinition job = Job(request, blockSize, slots);
        var rates = new double[slots];
        // Nobody measures before everybody is warm, and nobody is done before everybody began: the slots share caches and memory.
        using var together = new Barrier(slots);
        SlotThreads.ForEach(device, slots, slot =>
        {
            try
            {
                using IWorkload workload = workloads.Open(job, new BlockPlan(slot, slot * blockSize, blockSize, EndlessSteps));
                // Speed is against real time, whatever clock the rest of the program keeps.
                var budget = new QuantumBudget(TimeProvider.System);
                budget.Start(TimeSpan.Zero);
                int before = workload.Advance(budget).Step;
                together.SignalAndWait(cancellation);
                long begun = Stopwatch.GetTimestamp();
                budget.Start(request.Length);
                int done = workload.Advance(budget).Step - before;
                rates[slot] = done * (double)blockSize / Stopwatch.GetElapsedTime(begun).TotalSeconds;
            }
            catch
            {
                together.RemoveParticipant();
                throw;
            }
        }, cancellation);
        return rates.Sum();
    }

    private static JobDefinition Job(TuningRequest request, int blockSize, int slots)
    {
        var sampling = new SamplingRequest
        {
            Chains = blockSize * slots, Steps = EndlessSteps, Seed = 1, BlockSize = blockSize, Precision = request.Precision, PreviewEvery = 0,
        };
        SamplingSpec spec = SamplingSpecFactory.Create(sampling, request.Model, "none", NoLimits, () => 1).OrThrow();
        return new JobDefinition("tuning", request.Model.Reference(), spec);
    }
}
