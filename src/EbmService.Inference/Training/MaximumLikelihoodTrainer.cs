using System.Collections.Concurrent;
using System.Diagnostics;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>
/// Maximum likelihood by MCMC with a persistent buffer (analysis by synthesis), plus cross-entropy for labelled data (the
/// JEM objective). Each iteration: every slot computes its part, then one Adam update, then chains go back to the buffer.
/// </summary>
/// <remarks>Same recipe, data and slot count give the same weights, also when a run was stopped and resumed.</remarks>
public sealed class MaximumLikelihoodTrainer : IDisposable
{
    private readonly TrainingRecipe _recipe;
    private readonly ITrainingObserver _observer;
    private readonly IEnergyModel _trained;
    private readonly IEnergyModel _frozen;
    private readonly TrainingSlot[] _slots;
    private readonly TrainingPart _part;
    private readonly string _checkpointPath;
    private readonly string _fingerprint;

    /// <param name="recipe">Every number of the run.</param>
    /// <param name="model">Architecture and input schema.</param>
    /// <param name="data">All rows; the recipe's held-out share is kept away from training.</param>
    /// <param name="checkpointPath">Resumed from when it exists; written as the run goes.</param>
    /// <param name="observer">Told of every iteration.</param>
    /// <param name="dataName">What the data is, for the checkpoint's fingerprint.</param>
    /// <exception cref="Formats.InvalidCheckpointException">The checkpoint is damaged, or of another run.</exception>
    public MaximumLikelihoodTrainer(
        TrainingRecipe recipe, ModelDescriptor model, ITrainingData data, string checkpointPath, ITrainingObserver observer,
        string dataName = "")
    {
        _recipe = recipe;
        _observer = observer;
        _checkpointPath = checkpointPath;
        _fingerprint = TrainingFingerprint.Of(recipe, model, dataName, data.Count);
        State = TrainingState.Create(recipe, model);
        if (File.Exists(checkpointPath))
            State.Restore(TrainingSnapshot.Read(checkpointPath).OfRun(_fingerprint));
        ArchitectureSpec spec = model.Architecture.Spec();
        _trained = EnergyModelFactory.Create(spec, State.Parameters);
        _frozen = EnergyModelFactory.Frozen(
            spec, State.Parameters, recipe.ChainInBFloat16 ? ScalarType.BFloat16 : ScalarType.Float32);
        IReadOnlyList<int> rows = HeldOutSplit.TrainingRows(recipe, data.Count);
        _part = new TrainingPart(recipe, model, _trained, _frozen, new TrainingBatch(data, rows, model.Input), State.Buffer);
        _slots = [.. Enumerable.Range(0, recipe.Slots).Select(index => new TrainingSlot(index))];
    }

    /// <value>Iterations done; above 0 before <see cref="Run"/> when a checkpoint is resumed.</value>
    public int Iteration => State.Iteration;

    /// <value>Training time so far, over all sessions of the run.</value>
    public TimeSpan Elapsed => State.Elapsed;

    /// <value>Weights, averages, buffer and generators; what the writer of a version takes.</value>
    internal TrainingState State { get; }

    /// <summary>Runs until the recipe's iterations are done, energies diverge, or a stop is asked for; blocks the caller.</summary>
    public TrainingEnd Run(CancellationToken cancellationToken)
    {
        // Updates are small; a team of threads would only spin beside the slots.
        set_num_threads(1);
        var clock = Stopwatch.StartNew();
        TimeSpan before = State.Elapsed;
        int first = State.Iteration;
        while (State.Iteration < _recipe.Iterations)
        {
            TrainingProgress progress = Iterate(clock, before, first);
            if (!IsSound(progress))
            {
                if (File.Exists(_checkpointPath))
                    State.Restore(TrainingSnapshot.Read(_checkpointPath));
                return TrainingEnd.Diverged;
            }
            _observer.OnIteration(progress);
            bool last = State.Iteration == _recipe.Iterations;
            if (_recipe.PictureEvery > 0 && (State.Iteration % _recipe.PictureEvery == 0 || last))
                _observer.OnPicture(State.Iteration, Picture());
            bool stop = cancellationToken.IsCancellationRequested;
            if (stop || last || State.Iteration % _recipe.CheckpointEvery == 0)
                TrainingSnapshot.Write(_checkpointPath, State.Capture() with { Fingerprint = _fingerprint });
            if (stop && !last)
                return TrainingEnd.Cancelled;
        }
        return TrainingEnd.Completed;
    }

    private TrainingProgress Iterate(Stopwatch clock, TimeSpan before, int first)
    {
        using DisposeScope scope = NewDisposeScope();
        EnergyModelFactory.Refresh(_frozen, State.Parameters);
        double share = State.Iteration / (double)_recipe.Iterations;
        Task<TrainingPartResult>[] running =
            [.. _slots.Select((slot, index) => slot.Start(() => _part.Compute(State.Generators[index], share)))];
        TrainingPartResult[] parts = [.. running.Select(task => task.GetAwaiter().GetResult())];
        State.Iteration++;
        Dictionary<string, Tensor> gradients = State.Parameters.Keys.ToDictionary(
            name => name, name => stack([.. parts.Select(part => part.Gradients[name])]).mean([0]));
        double norm = State.Optimizer.Update(gradients, LearningRate(), State.Iteration);
        foreach (TrainingPartResult part in parts)
        {
            State.Buffer.Store(part.Slots, part.Negatives);
            part.Negatives.Dispose();
            foreach (Tensor gradient in part.Gradients.Values)
                gradient.Dispose();
        }
        State.Elapsed = before + clock.Elapsed;
        TimeSpan remaining = clock.Elapsed / (State.Iteration - first) * (_recipe.Iterations - State.Iteration);
        return new TrainingProgress(
            State.Iteration, _recipe.Iterations, parts.Average(part => part.EnergyData), parts.Average(part => part.EnergySamples),
            parts.Average(part => part.CrossEntropy), parts.Average(part => part.Accuracy), norm, State.Elapsed, remaining);
    }

    private double LearningRate()
    {
        double warmUp = Math.Min(1, State.Iteration / (double)Math.Max(1, _recipe.WarmUp));
        double cosine = Math.Pow((1 + Math.Cos(Math.PI * State.Iteration / _recipe.Iterations)) / 2, _recipe.DecayPower);
        return _recipe.LearningRate * warmUp * (_recipe.FinalLearningRate + (1 - _recipe.FinalLearningRate) * cosine);
    }

    private bool IsSound(TrainingProgress progress) =>
        Math.Abs(progress.EnergyData) < _recipe.EnergyBound
        && Math.Abs(progress.EnergySamples) < _recipe.EnergyBound
        && double.IsFinite(progress.GradientNorm);

    private TensorPayload Picture()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = State.Buffer.States.narrow(0, 0, Math.Min(State.Buffer.Size, 100));
        return new TensorPayload([.. rows.shape.Select(size => (int)size)], rows.contiguous().data<float>().ToArray());
    }

    public void Dispose()
    {
        foreach (TrainingSlot slot in _slots)
            slot.Dispose();
        _frozen.Dispose();
        State.Dispose();
    }
}

/// <summary>One iteration's metrics, means over the batch.</summary>
/// <param name="Iteration">Iterations done.</param>
/// <param name="EnergyData">E+ of the data.</param>
/// <param name="EnergySamples">E- of the chains' ends.</param>
/// <param name="CrossEntropy">Nats; 0 for unlabelled data.</param>
/// <param name="Accuracy">On the iteration's own (varied) rows.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="Elapsed">Training time so far, over all sessions of this run.</param>
/// <param name="Remaining">Estimated from this session's rate.</param>
public sealed record TrainingProgress(
    int Iteration, int Iterations, double EnergyData, double EnergySamples, double CrossEntropy, double Accuracy,
    double GradientNorm, TimeSpan Elapsed, TimeSpan Remaining);

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
