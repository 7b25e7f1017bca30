using EbmService.Core.Models;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Buffers;
using EbmService.Inference.Formats;
using EbmService.Inference.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>Everything that a run carries from one iteration to the next.</summary>
internal sealed class TrainingState : IDisposable
{
    private readonly Tensor _ages;
    private readonly Dictionary<string, Tensor> _good;

    private TrainingState(
        IReadOnlyDictionary<string, Tensor> parameters, TrainingOptimizer optimizer, ReplayBuffer buffer, ReplayBuffer? replicas, Generator[] generators)
    {
        Parameters = parameters;
        Optimizer = optimizer;
        Buffer = buffer;
        Replicas = replicas;
        Generators = generators;
        _ages = zeros([buffer.Size], ScalarType.Int64).DetachFromDisposeScope();
        _good = parameters.ToDictionary(pair => pair.Key, pair => pair.Value.detach().clone().DetachFromDisposeScope());
    }

    public IReadOnlyDictionary<string, Tensor> Parameters { get; }

    public TrainingOptimizer Optimizer { get; }

    public ReplayBuffer Buffer { get; }

    /// <value>With parallel tempering: each chain's states at the temperatures above 1, (size, temperatures - 1, ...input).</value>
    public ReplayBuffer? Replicas { get; }

    /// <value>One per part.</value>
    public Generator[] Generators { get; }

    public int Iteration { get; set; }

    public TimeSpan Elapsed { get; set; }

    /// <value>The iteration of <see cref="Good"/>; 0 before any were kept.</value>
    public int GoodIteration { get; private set; }

    /// <value>The averaged weights that were kept last, by parameter; still owned here.</value>
    public IReadOnlyDictionary<string, Tensor> Good => _good;

    /// <value>Iterations that the buffer's chains have run since they began anew, on average.</value>
    public double Age
    {
        get
        {
            using DisposeScope scope = NewDisposeScope();
            return _ages.mean([0], type: ScalarType.Float64).ToDouble();
        }
    }

    public static TrainingState Create(TrainingRecipe recipe, ModelDescriptor model)
    {
        using var generator = new Generator(BlockSeed.Derive(recipe.Seed, -1));
        IReadOnlyDictionary<string, Tensor> parameters = EnergyModelFactory.Initialise(model.Architecture.Spec(), model.Input, generator);
        foreach (Tensor parameter in parameters.Values)
            parameter.requires_grad_(true);
        var buffer = ReplayBuffer.Create(recipe.BufferSize, model.Labels.Count, model.Input, generator);
        ReplayBuffer? replicas = null;
        if (recipe.Replicas > 1)
        {
            using Tensor hot = ReplayBuffer.FromBase(recipe.BufferSize * (recipe.Replicas - 1), model.Input, generator);
            replicas = new ReplayBuffer(hot.unflatten(0, [recipe.BufferSize, recipe.Replicas - 1]), 0, model.Input);
        }
        Generator[] generators =
            [.. Enumerable.Range(0, recipe.Slots).Select(slot => new Generator(BlockSeed.Derive(recipe.Seed, slot)))];
        return new TrainingState(parameters, new TrainingOptimizer(recipe, parameters), buffer, replicas, generators);
    }

    /// <summary>Chains go back to where they came from.</summary>
    /// <param name="hot">The chains' replicas at other temperatures than 1; null without.</param>
    public void Store(long[] slots, bool[] fresh, Tensor chains, Tensor? hot)
    {
        Buffer.Store(slots, chains);
        if (hot is not null)
            Replicas!.Store(slots, hot);
        Span<long> ages = _ages.bytes.Length == 0 ? [] : System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(_ages.bytes);
        for (int i = 0; i < slots.Length; i++)
            ages[(int)slots[i]] = fresh[i] ? 1 : ages[(int)slots[i]] + 1;
    }

    /// <returns>Whether all averaged weights are finite numbers.</returns>
    public bool IsFinite()
    {
        using DisposeScope scope = NewDisposeScope();
        return Optimizer.Average().Values.All(average => average.isfinite().all().ToBoolean());
    }

    /// <summary>Keeps the averaged weights as the last good ones.</summary>
    public void KeepGood()
    {
        using IDisposable noGradient = no_grad();
        foreach ((string name, Tensor average) in Optimizer.Average())
            _good[name].copy_(average);
        GoodIteration = Iteration;
    }

    /// <summary>All tensors by name for a checkpoint, aliased or in the caller's scope.</summary>
    public Dictionary<string, Tensor> Capture()
    {
        var tensors = new Dictionary<string, Tensor>(Optimizer.State) { ["buffer"] = Buffer.States, ["ages"] = _ages };
        foreach ((string name, Tensor parameter) in Parameters)
            tensors["parameter." + name] = parameter;
        foreach ((string name, Tensor good) in _good)
            tensors["good." + name] = good;
        if (Replicas is not null)
            tensors["replicas"] = Replicas.States;
        tensors["good"] = tensor([(long)GoodIteration]);
        foreach ((int slot, Generator generator) in Generators.Index())
            tensors[$"generator.{slot}"] = generator.get_state();
        return tensors;
    }

    /// <summary>Copies a checkpoint into this state.</summary>
    /// <exception cref="InvalidCheckpointException">Something is missing or of another shape.</exception>
    public void Restore(SafetensorsFile file, int iteration)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, Tensor tensor) in Capture())
        {
            if (!name.StartsWith("generator.", StringComparison.Ordinal))
                tensor.copy_(Stored(file, name, tensor.shape));
        }
        foreach ((int slot, Generator generator) in Generators.Index())
            generator.set_state(Stored(file, $"generator.{slot}", generator.get_state().shape));
        GoodIteration = (int)Stored(file, "good", [1]).ToInt64();
        Iteration = iteration;
    }

    private static Tensor Stored(SafetensorsFile file, string name, long[] shape) =>
        file.Tensors.TryGetValue(name, out SafetensorsTensor? stored) && stored.Shape.SequenceEqual(shape)
            ? stored.ToTensor()
            : throw new InvalidCheckpointException($"the checkpoint's '{name}' is missing or has another shape: was the recipe changed?");

    public void Dispose()
    {
        foreach (Tensor tensor in Parameters.Values.Concat(_good.Values))
            tensor.Dispose();
        _ages.Dispose();
        Optimizer.Dispose();
        Buffer.Dispose();
        Replicas?.Dispose();
        foreach (Generator generator in Generators)
            generator.Dispose();
    }
}
