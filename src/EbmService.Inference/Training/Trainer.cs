using System.Collections.Concurrent;
using System.Diagnostics;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Core.Training;
using EbmService.Inference.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>A training run from beginning to end with a thread for each part of the batch: what <c>ebm train</c> does.</summary>
public sealed class Trainer : IDisposable
{
    private readonly TrainingRecipe _recipe;
    private readonly ITrainingObserver _observer;
    private readonly TrainingSlot[] _slots;
    private readonly string _checkpointPath;
    private readonly string _fingerprint;

    /// <param name="recipe">Every number of the run.</param>
    /// <param name="model">Architecture and input schema.</param>
    /// <param name="data">All rows; the recipe's held-out share is kept away from training.</param>
    /// <param name="checkpointPath">Resumed from when it exists; written as the run goes.</param>
    /// <param name="observer">Told of every iteration.</param>
    /// <param name="dataName">What the data is, for the checkpoint's fingerprint.</param>
    /// <exception cref="InvalidCheckpointException">The checkpoint is damaged, or of another run.</exception>
    public Trainer(
        TrainingRecipe recipe, ModelDescriptor model, ITrainingData data, string checkpointPath, ITrainingObserver observer,
        string dataName = "")
    {
        _recipe = recipe;
        _observer = observer;
        _checkpointPath = checkpointPath;
        _fingerprint = TrainingFingerprint.Of(recipe, model, dataName, data.Count);
        TrainedRun = new TrainingRun(recipe, model, data);
        if (File.Exists(checkpointPath))
            TrainingSnapshot.Of(SafetensorsFile.ReadFile(checkpointPath)).Restore(TrainedRun, _fingerprint);
        _slots = [.. Enumerable.Range(0, recipe.Slots).Select(index => new TrainingSlot(index))];
    }

    /// <value>Iterations done; above 0 before <see cref="Run"/> when a checkpoint is resumed.</value>
    public int Iteration => TrainedRun.State.Iteration;

    /// <value>Training time so far, over all sessions of the run.</value>
    public TimeSpan Elapsed => TrainedRun.State.Elapsed;

    /// <value>What the writer of a version takes.</value>
    internal TrainingRun TrainedRun { get; }

    /// <summary>Runs until the recipe's iterations are done, energies diverge, or a stop is asked for; blocks the caller.</summary>
    public TrainingEnd Run(CancellationToken cancellationToken)
    {
        // Updates are small; a team of threads would only spin beside the slots.
        set_num_threads(1);
        var clock = Stopwatch.StartNew();
        TimeSpan before = Elapsed;
        int first = Iteration;
        while (Iteration < _recipe.Iterations)
        {
            Iterate();
            if (TrainedRun.IsDiverged)
            {
                if (File.Exists(_checkpointPath))
                    TrainingSnapshot.Of(SafetensorsFile.ReadFile(_checkpointPath)).Restore(TrainedRun, _fingerprint);
                return TrainingEnd.Diverged;
            }
            TrainedRun.State.Elapsed = before + clock.Elapsed;
            TimeSpan remaining = clock.Elapsed / (Iteration - first) * (_recipe.Iterations - Iteration);
            _observer.OnIteration(TrainedRun.Latest! with { Elapsed = Elapsed, Remaining = remaining });
            bool last = Iteration == _recipe.Iterations;
            if (_recipe.PictureEvery > 0 && _recipe.HasChains && (Iteration % _recipe.PictureEvery == 0 || last))
                _observer.OnPicture(Iteration, TrainingPictures.Chains(TrainedRun));
            bool stop = cancellationToken.IsCancellationRequested;
            if (stop || last || Iteration % _recipe.CheckpointEvery == 0)
                SafetensorsFile.WriteFile(_checkpointPath, TrainedRun.Save(), TrainingSnapshot.MetadataOf(TrainedRun, _fingerprint));
            if (stop && !last)
                return TrainingEnd.Cancelled;
        }
        return TrainingEnd.Completed;
    }

    private void Iterate()
    {
        TrainedRun.Begin();
        int done = Iteration;
        Task<bool>[] running = [.. TrainedRun.Parts.Zip(_slots, (part, slot) => slot.Start(() => part.TryAdvance(done, () => false)))];
        foreach (Task<bool> task in running)
            task.GetAwaiter().GetResult();
        TrainedRun.End();
    }

    public void Dispose()
    {
        foreach (TrainingSlot slot in _slots)
            slot.Dispose();
        TrainedRun.Dispose();
    }
}

/// <summary>What is shown of a run on its way.</summary>
internal static class TrainingPictures
{
    private const int Most = 100;

    /// <summary>The buffer's first chains, ordered by class where there are classes: (n, ...input).</summary>
    public static TensorPayload Chains(TrainingRun run)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = run.State.Buffer.States.narrow(0, 0, Math.Min(run.State.Buffer.Size, Most));
        return new TensorPayload([.. rows.shape.Select(size => (int)size)], rows.contiguous().data<float>().ToArray());
    }
}

/// <summary>Receives a run's progress on the training thread.</summary>
public interface ITrainingObserver
{
    void OnIteration(TrainingProgress progress);

    /// <summary>Chains of the replay buffer, ordered by class where there are classes.</summary>
    void OnPicture(int iteration, TensorPayload samples);
}

/// <summary>How a run ended.</summary>
public enum TrainingEnd
{
    Completed,

    /// <summary>Energies passed the bound or stopped being finite; the last good weights were kept.</summary>
    Diverged,

    /// <summary>Stopped on request; the checkpoint resumes it.</summary>
    Cancelled,
}

/// <summary>One dedicated thread with one intra-op thread, on which one part of every batch is computed.</summary>
internal sealed class TrainingSlot : IDisposable
{
    private readonly BlockingCollection<Action> _work = new(1);
    private readonly Thread _thread;

    public TrainingSlot(int index)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = $"training-slot-{index}" };
        _thread.Start();
    }

    /// <summary>Runs the function on the slot's thread; its exception comes out of the task.</summary>
    public Task<T> Start<T>(Func<T> function)
    {
        var completion = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                completion.SetResult(function());
            }
            catch (Exception exception)
            {
                completion.SetException(exception);
            }
        });
        return completion.Task;
    }

    private void Run()
    {
        set_num_threads(1);
        foreach (Action action in _work.GetConsumingEnumerable())
            action();
    }

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }
}
