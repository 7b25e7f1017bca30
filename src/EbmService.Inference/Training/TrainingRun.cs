using EbmService.Core.Models;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>
/// A training run: maximum likelihood by negative samples from a persistent buffer (analysis by synthesis), contrastive divergence, or
/// denoising score matching, plus cross-entropy for labelled data (the JEM objective). An iteration is: every part of the batch, then one
/// update, then chains go back to the buffer. It can be left within an iteration and saved there.
/// </summary>
/// <remarks>Same recipe, data and device give the same weights, however the parts are spread over threads and wherever it was stopped.</remarks>
internal sealed class TrainingRun : IDisposable
{
    private readonly TrainingRecipe _recipe;
    private readonly TrainingPart[] _parts;
    private readonly TrainingValidation? _validation;
    private readonly IEnergyModel _trained;
    private readonly IEnergyModel _frozen;
    private bool _isOpen;

    /// <param name="data">All rows; the recipe's held-out share is kept away from training.</param>
    public TrainingRun(TrainingRecipe recipe, ModelDescriptor model, ITrainingData data)
    {
        _recipe = recipe;
        State = TrainingState.Create(recipe, model);
        ArchitectureSpec spec = model.Architecture.Spec();
        InputSchema visible = model.VisibleSchema();
        _trained = EnergyModelFactory.Create(spec, State.Parameters);
        _frozen = EnergyModelFactory.Frozen(spec, State.Parameters, recipe.ChainInBFloat16 ? ScalarType.BFloat16 : ScalarType.Float32);
        IReadOnlyList<int> rows = HeldOutSplit.TrainingRows(recipe, data.Count);
        var setting = new TrainingSetting(recipe, model, _trained, _frozen, new TrainingBatch(data, rows, visible), State);
        _parts = [.. State.Generators.Select(generator => new TrainingPart(setting, generator))];
        IReadOnlyList<int> heldOut = HeldOutSplit.HeldOutRows(recipe, data.Count);
        if (recipe.ValidateEvery > 0 && heldOut.Count > 0)
            _validation = new TrainingValidation(visible, data, rows, heldOut, _trained);
    }

    /// <value>Weights, averages, buffer and generators.</value>
    public TrainingState State { get; }

    public IReadOnlyList<TrainingPart> Parts => _parts;

    /// <value>What the latest iteration said; null before one.</value>
    public TrainingProgress? Latest { get; private set; }

    /// <value>An energy passed the bound or stopped being finite; the weights are those before that iteration.</value>
    public bool IsDiverged { get; private set; }

    /// <summary>One iteration on this thread.</summary>
    /// <returns>False where the time was over before its end; the next call goes on there.</returns>
    public bool TryIterate(Func<bool> isSpent)
    {
        using DisposeScope scope = NewDisposeScope();
        Begin();
        foreach (TrainingPart part in _parts)
        {
            if (part.Result is not null)
                continue;
            if (!part.TryAdvance(State.Iteration, isSpent) || (part != _parts[^1] && isSpent()))
                return false;
        }
        if (IsValidationDue && !_validation!.TryAdvance(isSpent))
            return false;
        End();
        return true;
    }

    /// <summary>Opens an iteration: the negative chains see the weights as they are now.</summary>
    public void Begin()
    {
        if (!_isOpen)
            EnergyModelFactory.Refresh(_frozen, State.Parameters);
        _isOpen = true;
    }

    /// <summary>Closes an iteration whose parts are all done: one update, unless it has diverged.</summary>
    public void End()
    {
        using DisposeScope scope = NewDisposeScope();
        Validated? validated = null;
        if (IsValidationDue)
        {
            _validation!.TryAdvance(() => false);
            validated = _validation.Take();
        }
        TrainingPartResult[] results = [.. _parts.Select(part => part.Result!)];
        Dictionary<string, Tensor> gradients = State.Parameters.Keys.ToDictionary(name => name, name => Mean(results, name));
        double norm = TrainingOptimizer.NormOf(gradients);
        int iteration = State.Iteration + 1;
        var progress = new TrainingProgress(iteration, _recipe.Iterations)
        {
            EnergyData = results.Average(result => result.EnergyData),
            EnergySamples = results.Average(result => result.EnergySamples),
            CrossEntropy = results.Average(result => result.CrossEntropy),
            Accuracy = results.Average(result => result.Accuracy),
            Loss = results.Average(result => result.Loss),
            GradientNorm = norm,
            BufferAge = State.Age,
            SwapAcceptance = _recipe.Replicas > 1 ? results.Average(result => result.SwapAcceptance) : null,
            Validated = validated ?? Latest?.Validated,
        };
        if (IsSound(progress))
        {
            State.Iteration = iteration;
            State.Optimizer.Update(gradients, norm, LearningRate(), iteration);
            foreach (TrainingPart part in _parts.Where(part => part.Negatives is not null))
                State.Store(part.Slots, part.Fresh, part.Negatives!, part.Replicas);
            // The last update itself may have exploded, and nothing would come after it that shows it.
            bool isKept = iteration % _recipe.CheckpointEvery == 0;
            IsDiverged = (isKept || iteration == _recipe.Iterations) && !State.IsFinite();
            if (isKept && !IsDiverged)
                State.KeepGood();
            Latest = progress;
        }
        else
        {
            IsDiverged = true;
        }
        foreach (TrainingPart part in _parts)
            part.Clear();
        _isOpen = false;
    }

    /// <summary>All of it as named tensors, also within an iteration.</summary>
    public Dictionary<string, SafetensorsTensor> Save()
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, SafetensorsTensor> tensors = State.Capture().ToDictionary(pair => pair.Key, pair => pair.Value.ToSafetensors());
        foreach ((int i, TrainingPart part) in _parts.Index())
            part.Save($"part.{i}.", tensors);
        if (Latest is { } latest)
            tensors["latest"] = latest.ToTensor();
        if (_validation?.Save() is { } comparison)
            tensors["validation"] = SafetensorsTensor.FromDoubles(comparison, [comparison.Length]);
        return tensors;
    }

    /// <summary>Goes back to where <see cref="Save"/> was called.</summary>
    /// <exception cref="InvalidCheckpointException">It is not of this run.</exception>
    public void Restore(SafetensorsFile file, int iteration)
    {
        State.Restore(file, iteration);
        foreach ((int i, TrainingPart part) in _parts.Index())
            part.Restore($"part.{i}.", file);
        // A run may go on with another validateEvery: then there is no open comparison.
        if (file.Tensors.TryGetValue("validation", out SafetensorsTensor? comparison))
            _validation?.Restore(comparison.ToDoubles());
        (_isOpen, IsDiverged) = (false, false);
        Latest = file.Tensors.TryGetValue("latest", out SafetensorsTensor? latest) ? TrainingProgress.Of(iteration, _recipe.Iterations, latest) : null;
    }

    private bool IsValidationDue => _validation is not null && (State.Iteration + 1) % _recipe.ValidateEvery == 0;

    private double LearningRate()
    {
        double warmUp = Math.Min(1, State.Iteration / (double)Math.Max(1, _recipe.WarmUp));
        double cosine = Math.Pow((1 + Math.Cos(Math.PI * State.Iteration / _recipe.Iterations)) / 2, _recipe.DecayPower);
        return _recipe.LearningRate * warmUp * (_recipe.FinalLearningRate + (1 - _recipe.FinalLearningRate) * cosine);
    }

    private static Tensor Mean(TrainingPartResult[] results, string name)
    {
        using DisposeScope scope = NewDisposeScope();
        return stack([.. results.Select(result => result.Gradients[name])]).mean([0]).MoveToOuterDisposeScope();
    }

    /// <summary>Nothing holds the energies of a plain classifier near zero.</summary>
    private double EnergyBound => _recipe.IsClassifier ? double.MaxValue : _recipe.EnergyBound;

    private bool IsSound(TrainingProgress progress) =>
        Math.Abs(progress.EnergyData) < EnergyBound
        && Math.Abs(progress.EnergySamples) < EnergyBound
        && double.IsFinite(progress.GradientNorm);

    public void Dispose()
    {
        foreach (TrainingPart part in _parts)
            part.Dispose();
        _frozen.Dispose();
        State.Dispose();
    }
}

/// <summary>One iteration's metrics, means over the batch.</summary>
/// <param name="Iteration">Iterations done.</param>
public sealed record TrainingProgress(int Iteration, int Iterations)
{
    /// <value>E+ of the data.</value>
    public double EnergyData { get; init; }

    /// <value>E- of the chains' ends.</value>
    public double EnergySamples { get; init; }

    /// <value>Nats; 0 for unlabelled data.</value>
    public double CrossEntropy { get; init; }

    /// <value>On the iteration's own (varied) rows.</value>
    public double Accuracy { get; init; }

    /// <value>The energy part of the objective.</value>
    public double Loss { get; init; }

    /// <value>Before clipping.</value>
    public double GradientNorm { get; init; }

    /// <value>Iterations that the buffer's chains have run since they began anew, on average.</value>
    public double BufferAge { get; init; }

    /// <value>Mean probability of the swaps between neighbouring temperatures; null without parallel tempering.</value>
    public double? SwapAcceptance { get; init; }

    /// <value>The latest comparison with held-out rows; null before one.</value>
    public Validated? Validated { get; init; }

    /// <value>Training time so far, over all sessions of this run.</value>
    public TimeSpan Elapsed { get; init; }

    /// <value>Estimated from this session's rate.</value>
    public TimeSpan Remaining { get; init; }

    internal SafetensorsTensor ToTensor() => SafetensorsTensor.FromDoubles(
        [
            EnergyData, EnergySamples, CrossEntropy, Accuracy, Loss, GradientNorm, BufferAge,
            Validated?.EnergyGap ?? double.NaN, Validated?.ReconstructionError ?? double.NaN, SwapAcceptance ?? double.NaN,
        ], [10]);

    internal static TrainingProgress Of(int iteration, int iterations, SafetensorsTensor tensor) => tensor.ToDoubles() is { Length: 9 or 10 } n
        ? new(iteration, iterations)
        {
            EnergyData = n[0], EnergySamples = n[1], CrossEntropy = n[2], Accuracy = n[3], Loss = n[4], GradientNorm = n[5], BufferAge = n[6],
            SwapAcceptance = n.Length == 9 || double.IsNaN(n[9]) ? null : n[9],
            Validated = double.IsNaN(n[7]) ? null : new Validated(n[7], double.IsNaN(n[8]) ? null : n[8]),
        }
        : throw new InvalidCheckpointException("the checkpoint's latest numbers are damaged");
}
