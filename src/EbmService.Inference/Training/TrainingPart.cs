using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Formats;
using EbmService.Inference.Numerics;
using EbmService.Inference.Samplers;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace EbmService.Inference.Training;

/// <summary>What every part of a run works on.</summary>
internal sealed record TrainingSetting(
    TrainingRecipe Recipe, ModelDescriptor Model, IEnergyModel Trained, IEnergyModel Frozen, TrainingBatch Batch, TrainingState State);

/// <summary>What a part brings back from one iteration.</summary>
/// <param name="Gradients">Of the part's loss, by parameter.</param>
/// <param name="EnergySamples">Of the chains' ends; of the noised data where there are no chains.</param>
internal sealed record TrainingPartResult(
    IReadOnlyDictionary<string, Tensor> Gradients, double EnergyData, double EnergySamples, double CrossEntropy, double Accuracy, double Loss)
{
    /// <value>Mean probability of the swaps between neighbouring temperatures; NaN without any.</value>
    public double SwapAcceptance { get; init; } = double.NaN;
}

/// <summary>
/// One share of an iteration with a generator of its own: draw data, run the negative chains from the buffer, differentiate the loss
/// mean(E+ - E-) (or its bounded form) + w mean(E+^2 + E-^2) + cross-entropy, or the denoising loss. It can be left after every step of its
/// chains, and saved there. For p(x, y) the negatives take the labels of the batch's data: with labels of another distribution the class
/// biases would drift apart whatever the model is.
/// </summary>
/// <remarks>
/// Data of a model with latent variables are completed by their mean-field means (Salakhutdinov and Hinton 2009): where the energy is multilinear, E+ and its gradient
/// by the parameters are the means over that factorised posterior. Its chains are over whole states.
/// </remarks>
internal sealed class TrainingPart(TrainingSetting setting, Generator generator) : IDisposable
{
    /// <summary>Rows of a tile of the mean-field inference, which a part can be left after.</summary>
    private const int InferredRows = 16;

    private readonly TrainingRecipe _recipe = setting.Recipe;
    private readonly ImageAugmentation? _augmentation = Augments(setting.Recipe.Classification)
        ? new ImageAugmentation(setting.Model.VisibleSchema(), setting.Recipe.Classification!)
        : null;

    private Tensor? _data;
    private Tensor? _labels;
    private ChainState? _chains;
    private IKernel? _kernel;
    private int _inferred;

    /// <value>Of the open iteration, once it is done.</value>
    public TrainingPartResult? Result { get; private set; }

    /// <value>Where the chains go back to in the buffer; empty without chains.</value>
    public long[] Slots { get; private set; } = [];

    /// <value>Whether each chain began anew in this iteration.</value>
    public bool[] Fresh { get; private set; } = [];

    /// <value>The chains' ends, (rows, ...input): with parallel tempering the replicas at temperature 1.</value>
    public Tensor? Negatives => _chains?.Reported(_chains.X);

    /// <value>The ends of the other replicas, (rows, temperatures - 1, ...input); null without any.</value>
    public Tensor? Replicas => _chains?.Replicas is { RowsByLevel: { } rows }
        ? _chains.X.index_select(0, rows.slice(1, 1, rows.shape[1], 1).reshape(-1)).unflatten(0, [Rows, -1]) : null;

    private int Rows => _recipe.BatchSize / _recipe.Slots;

    /// <summary>Goes on until the part is done or the time is over.</summary>
    /// <param name="iteration">Iterations done before this one.</param>
    /// <returns>Whether it is done.</returns>
    public bool TryAdvance(int iteration, Func<bool> isSpent)
    {
        using DisposeScope scope = NewDisposeScope();
        if (_data is null)
            Begin();
        while (_inferred < Rows)
        {
            Infer();
            if (isSpent())
                return false;
        }
        if (_chains is null && _recipe.HasChains)
            BeginChains(iteration);
        int last = FirstStep(iteration) + _recipe.ChainSteps;
        while (_chains is not null && _chains.Step < last)
        {
            if (!_kernel!.TryStep(_chains, generator, isSpent) || isSpent())
                return false;
        }
        Result = Differentiate(iteration / (double)_recipe.Iterations);
        return true;
    }

    /// <summary>Forgets the iteration.</summary>
    public void Clear()
    {
        foreach (Tensor gradient in Result?.Gradients.Values ?? [])
            gradient.Dispose();
        _data?.Dispose();
        _labels?.Dispose();
        _chains?.Dispose();
        (Result, _data, _labels, _chains, _inferred, Slots, Fresh) = (null, null, null, null, 0, [], []);
    }

    public void Dispose() => Clear();

    /// <summary>Replicas swap in even and odd pairs in turn, by the number of the step: with an odd number of sweeps, so do iterations.</summary>
    private int FirstStep(int iteration) => _recipe.Replicas > 1 ? (int)((long)iteration * _recipe.ChainSteps % 2) : 0;

    private void Begin()
    {
        (Tensor data, Tensor? drawn) = setting.Batch.Draw(Rows, null, generator);
        _labels = setting.State.Buffer.Classes > 0 && _recipe.Density == TrainedDensity.Joint ? drawn?.DetachFromDisposeScope() : null;
        Tensor varied = Varied(data);
        if (setting.Frozen is ILatentModel latent)
            varied = cat([varied.flatten(1), zeros(Rows, setting.Model.Input.Length() - latent.VisibleLength)], 1);
        else
            _inferred = Rows;
        _data = varied.DetachFromDisposeScope();
    }

    private void Infer()
    {
        using DisposeScope scope = NewDisposeScope();
        var latent = (ILatentModel)setting.Frozen;
        Tensor tile = _data!.narrow(0, _inferred, Math.Min(InferredRows, Rows - _inferred));
        tile.copy_(latent.Infer(tile.narrow(1, 0, latent.VisibleLength)));
        _inferred += (int)tile.shape[0];
    }

    private void BeginChains(int iteration)
    {
        // Gibbs draws classes too. Where its chains start at data, the buffer keeps their ends: what later samples start from.
        Tensor? labels = _recipe.Gibbs is null ? _labels : null;
        int[] classes = labels is null ? AnyClass() : [.. labels.data<long>().ToArray().Select(label => (int)label)];
        (Tensor starts, Slots, Fresh) = setting.State.Buffer.Draw(classes, _recipe.Gibbs?.FreshShare ?? _recipe.Chain!.FreshShare, generator);
        if (_recipe.Gibbs is { FromData: true })
            (starts, Fresh) = (setting.Frozen is ILatentModel ? BinaryLevels.Draw(_data!, generator) : _data!.clone(), [.. Fresh.Select(_ => true)]);
        if (setting.State.Replicas is { } replicas)
            starts = cat([starts.unsqueeze(1), replicas.States.index_select(0, tensor(Slots))], 1).flatten(0, 1);
        OpenChains(starts, labels);
        _chains!.MoveTo(FirstStep(iteration));
    }

    private void OpenChains(Tensor starts, Tensor? labels)
    {
        _kernel = _recipe.Chain is { } chain ? new SgldKernel(setting.Frozen, chain, chain.Steps) : Gibbs((IBlockConditionals)setting.Frozen);
        _chains = _kernel.Init(new ChainStartPoints(starts, labels?.clone()));
    }

    private IKernel Gibbs(IBlockConditionals model)
    {
        var sweeps = new GibbsSweepKernel(model);
        if (_recipe.Gibbs!.Temperatures is not { } temperatures)
            return sweeps;
        var plan = new ChainPlan(new SgldRecipe { StepSize = 1, Temperature = 1 }, Horizon: 1);
        return new ReplicaExchangeKernel(sweeps, new GradientPass(model), plan, new TemperingSettings(temperatures), model);
    }

    private TrainingPartResult Differentiate(double share)
    {
        (Tensor loss, Tensor energyData, Tensor energySamples) =
            _recipe.IsClassifier ? Observe() : _recipe.Denoising is { } denoising ? Denoise(denoising) : Contrast();
        (Tensor? crossEntropy, double accuracy) = Classify();
        Tensor whole = crossEntropy is null ? loss : loss.add(crossEntropy, Kept(_recipe.Classification!.WeightAt(share)));
        string[] names = [.. setting.Trained.Parameters.Keys];
        IList<Tensor> gradients = NativePrimitives.Gradients(
            whole, [.. names.Select(name => setting.Trained.Parameters[name])], setting.Trained.Parameters,
            _data!.shape[0], Negatives?.shape[0] ?? 0, crossEntropy is null ? 0 : _recipe.Classification!.BatchSize / _recipe.Slots);
        Dictionary<string, Tensor> named = names.Zip(gradients).ToDictionary(pair => pair.First, pair => pair.Second);
        if (_recipe.Centred)
            named = ((ICentredGradients)setting.Trained).Centre(named, _data!, Negatives!);
        foreach (Tensor gradient in named.Values)
            gradient.DetachFromDisposeScope();
        return new TrainingPartResult(
            named, energyData.mean().ToDouble(), energySamples.mean().ToDouble(), crossEntropy?.ToDouble() ?? 0, accuracy, loss.ToDouble())
        {
            SwapAcceptance = _chains?.Replicas is { } ladder ? ladder.SwapAcceptanceSum.sum().ToDouble() / ladder.SwapAttempts.sum().ToInt64() : double.NaN,
        };
    }

    /// <summary>The energies of a plain classifier, which nothing is learned from.</summary>
    private (Tensor Loss, Tensor EnergyData, Tensor EnergySamples) Observe()
    {
        using IDisposable noGradient = no_grad();
        Tensor energy = setting.Trained.Energy(_data!);
        return (zeros([], ScalarType.Float32), energy, energy);
    }

    private (Tensor Loss, Tensor EnergyData, Tensor EnergySamples) Contrast()
    {
        Tensor energyData = setting.Trained.Energy(_data!, _labels);
        // Gibbs draws classes too, and summing them out costs nothing.
        Tensor energySamples = setting.Trained.Energy(Negatives!, _recipe.Gibbs is null ? _labels : null);
        Tensor loss = Gap(energyData, energySamples).mean()
            .add(energyData.pow(Kept(2)).mean(), Kept(_recipe.EnergyL2))
            .add(energySamples.pow(Kept(2)).mean(), Kept(_recipe.EnergyL2Samples ?? _recipe.EnergyL2));
        return (loss, energyData, energySamples);
    }

    /// <summary>
    /// E+ - E-, or softplus of it and the margin: a pair whose chain lags far above the data weighs less in the gradient. Such a chain is
    /// no sample of the model, and pushing it on makes the landscape steeper than chains can follow.
    /// </summary>
    private Tensor Gap(Tensor energyData, Tensor energySamples) => _recipe.LagMargin is { } margin
        ? softplus(energyData.sub(energySamples).add(Kept(margin), Kept(1)))
        : energyData.sub(energySamples);

    /// <summary>
    /// mean |noise - s dE/dx(x + s noise)|^2 / 2: s^2 times Vincent's objective (2011, eq. 11), of the same size for every s.
    /// </summary>
    private (Tensor Loss, Tensor EnergyData, Tensor EnergySamples) Denoise(DenoisingRecipe denoising)
    {
        Tensor noise = empty_like(_data!).normal_(0, 1, generator);
        Tensor noised = _data!.add(noise, alpha: Kept(denoising.Deviation)).requires_grad_(true);
        Tensor energy = setting.Trained.Energy(noised, _labels);
        Tensor slope = NativePrimitives.GradientInGraph(energy.sum(), noised, setting.Trained.Parameters);
        // The energy itself takes part even with weight 0: a bias of the last layer moves no gradient, and libtorch wants every parameter in the graph.
        Tensor loss = noise.sub(slope.mul(Kept(denoising.Deviation))).pow(Kept(2)).flatten(1).sum(1).mean().div(Kept(2))
            .add(energy.pow(Kept(2)).mean(), Kept(_recipe.EnergyL2));
        using IDisposable noGradient = no_grad();
        return (loss, setting.Trained.Energy(_data!, _labels), energy.detach());
    }

    private int[] AnyClass() => [.. Enumerable.Repeat(-1, Rows)];

    /// <summary>Data with the recipe's noise; of a binary model each number is the probability of a 1 and drawn anew every time.</summary>
    private Tensor Varied(Tensor data) => setting.Model.Input.Variables switch
    {
        VariableKind.Binary => BinaryLevels.Draw(data, generator),
        VariableKind.Categorical => data,
        _ => data.add_(empty_like(data).normal_(0, _recipe.DataNoise, generator), Kept(1)),
    };

    private (Tensor? Loss, double Accuracy) Classify()
    {
        if (_recipe.Classification is not { } classification)
            return (null, 0);
        (Tensor data, Tensor? labels) = setting.Batch.Draw(classification.BatchSize / _recipe.Slots, _augmentation, generator);
        data = Varied(data);
        Tensor logits = setting.Trained.Logits(data)!;
        double accuracy = logits.argmax(1).eq(labels!).mean([0], type: ScalarType.Float32).ToDouble();
        return (cross_entropy(logits, labels!), accuracy);
    }

    /// <summary>The open iteration as named tensors: nothing before it began.</summary>
    public void Save(string prefix, Dictionary<string, SafetensorsTensor> tensors)
    {
        if (_data is null)
            return;
        tensors[prefix + "data"] = _data.ToSafetensors();
        if (_labels is not null)
            tensors[prefix + "labels"] = _labels.ToSafetensors();
        if (_chains is not null)
        {
            foreach ((string name, Tensor tensor) in _chains.Tensors)
                tensors[prefix + "chains." + name] = tensor.ToSafetensors();
            tensors[prefix + "slots"] = SafetensorsTensor.FromInt64(Slots, [Slots.Length]);
            tensors[prefix + "fresh"] = SafetensorsTensor.FromInt64([.. Fresh.Select(fresh => fresh ? 1L : 0)], [Fresh.Length]);
        }
        tensors[prefix + "steps"] = SafetensorsTensor.FromInt64([0, _chains?.Step ?? 0, _inferred, _chains?.Phase ?? 0, _chains?.PassRow ?? 0], [5]);
        if (Result is not { } done)
            return;
        foreach ((string name, Tensor gradient) in done.Gradients)
            tensors[prefix + "gradient." + name] = gradient.ToSafetensors();
        tensors[prefix + "result"] = tensor(
            [done.EnergyData, done.EnergySamples, done.CrossEntropy, done.Accuracy, done.Loss, done.SwapAcceptance], ScalarType.Float64).ToSafetensors();
    }

    /// <summary>Goes back to where <see cref="Save"/> was called.</summary>
    public void Restore(string prefix, SafetensorsFile file)
    {
        Clear();
        if (!file.Tensors.TryGetValue(prefix + "data", out SafetensorsTensor? data))
            return;
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _data = data.ToTensor().DetachFromDisposeScope();
        _labels = file.Tensors.GetValueOrDefault(prefix + "labels")?.ToTensor().DetachFromDisposeScope();
        long[] steps = file[prefix + "steps"].ToInt64();
        // Checkpoints of older versions end after two numbers: sweeps of Gibbs, and steps of other chains.
        (_inferred, int phase, int passRow) = steps.Length > 2 ? ((int)steps[2], (int)steps[3], (int)steps[4]) : (Rows, 0, 0);
        if (file.Tensors.TryGetValue(prefix + "slots", out SafetensorsTensor? slots))
        {
            Slots = slots.ToInt64();
            Fresh = [.. file[prefix + "fresh"].ToInt64().Select(fresh => fresh != 0)];
            OpenChains(file[prefix + "chains.states"].ToTensor(), _recipe.Gibbs is null ? _labels : null);
            _chains!.MoveTo((int)(steps[0] + steps[1]), phase, passRow);
            foreach ((string name, Tensor tensor) in _chains.Tensors)
                tensor.copy_(file[prefix + "chains." + name].ToTensor());
        }
        if (!file.Tensors.TryGetValue(prefix + "result", out SafetensorsTensor? result))
            return;
        double[] numbers = result.ToTensor().data<double>().ToArray();
        Result = new TrainingPartResult(
            setting.Trained.Parameters.Keys.ToDictionary(name => name, name => file[prefix + "gradient." + name].ToTensor().DetachFromDisposeScope()),
            numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
        {
            SwapAcceptance = numbers.Length > 5 ? numbers[5] : double.NaN,
        };
    }

    private static bool Augments(ClassificationRecipe? recipe) =>
        recipe is not null && (recipe.Shift > 0 || recipe.Rotation > 0 || recipe.Scale > 0);
}
