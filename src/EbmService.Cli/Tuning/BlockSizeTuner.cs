using System.Diagnostics;
using EbmService.Cli.Engine;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Jobs.Admission;

namespace EbmService.Cli.Tuning;

/// <summary>
/// Measures how fast the engine runs a model's default chains, by block size and number of slots. Decides nothing by itself: a result's bits depend
/// on the block size.
/// </summary>
internal sealed class BlockSizeTuner(LocalEngine engine)
{
    /// <summary>More than any measurement reaches, so that no block ends in one.</summary>
    private const int EndlessSteps = 1_000_000_000;

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestEnd = TimeSpan.FromMinutes(1);

    /// <summary>Rounds over all combinations, so that whatever else the machine does meets all of them.</summary>
    /// <param name="say">Told after each round.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<TuningReport> RunAsync(TuningRequest request, Action<int>? say, CancellationToken cancellationToken)
    {
        (int BlockSize, int Slots)[] combinations =
            [.. request.BlockSizes.Distinct().Order().SelectMany(size => SlotCounts(engine.Device.Slots).Select(slots => (size, slots)))];
        List<double>[] rates = [.. combinations.Select(_ => new List<double>())];
        for (int round = 0; round < request.Rounds; round++)
        {
            foreach ((int i, (int size, int slots)) in combinations.Index())
                rates[i].Add(await MeasureAsync(request, size, slots, cancellationToken));
            say?.Invoke(round + 1);
        }
        return new TuningReport(
            engine.Device.Kind, request.Precision,
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

    /// <summary>Each slot gets a job of one block: how far that has come is known to the step at the end of each of its quanta.</summary>
    private async Task<double> MeasureAsync(TuningRequest request, int blockSize, int slots, CancellationToken cancellationToken)
    {
        var sampling = new SamplingRequest
        {
            Chains = blockSize, Steps = EndlessSteps, Seed = 1, BlockSize = blockSize, Precision = request.Precision, PreviewEvery = 0,
        };
        JobSubmission submission = await engine.AcceptAsync(SamplingJob.Name, request.Model, sampling, engine.Jobs, cancellationToken);
        var ids = new List<string>();
        try
        {
            while (ids.Count < slots)
                ids.Add(await engine.SubmitAsync(submission, cancellationToken));
            // Nobody measures before everybody is warm: the slots share caches and memory.
            foreach (string id in ids)
                await NextAsync(id, after: 0, cancellationToken);
            return (await Task.WhenAll(ids.Select(id => RateAsync(id, request.Length, cancellationToken)))).Sum();
        }
        finally
        {
            await Task.WhenAll(ids.Select(EndAsync));
        }
    }

    /// <summary>Chain-steps per second from the end of one quantum to that of another, at least so much later.</summary>
    private async Task<double> RateAsync(string id, TimeSpan length, CancellationToken cancellationToken)
    {
        (long first, long begun) = await NextAsync(id, await DoneAsync(id), cancellationToken);
        (long done, long now) = (first, begun);
        // Speed is against real time, whatever clock the rest of the program keeps.
        while (Stopwatch.GetElapsedTime(begun, now) < length)
            (done, now) = await NextAsync(id, done, cancellationToken);
        return (done - first) / Stopwatch.GetElapsedTime(begun, now).TotalSeconds;
    }

    /// <summary>Waits for the end of the job's next quantum.</summary>
    /// <returns>The chain-steps done by then, and when it was.</returns>
    private async Task<(long Done, long At)> NextAsync(string id, long after, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await DoneAsync(id) is var done && done > after)
                return (done, Stopwatch.GetTimestamp());
            await Task.Delay(LookInterval, cancellationToken);
        }
    }

    private async Task<long> DoneAsync(string id)
    {
        JobSnapshot job = (await engine.Jobs.FindAsync(id, CancellationToken.None)).OrThrow();
        return job.Error is { } failure ? throw new FailureException(failure) : job.Progress.Done;
    }

    private async Task EndAsync(string id)
    {
        await engine.Jobs.CancelAsync(id, CancellationToken.None);
        await engine.Jobs.WaitAsync(id, LongestEnd, CancellationToken.None);
    }
}
