using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Buffers;
using EbmService.Inference.Randomness;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Training;

/// <summary>Everything that a run carries from one iteration to the next.</summary>
internal sealed class TrainingState : IDisposable
{
    private TrainingState(
        IReadOnlyDictionary<string, Tensor> parameters, AdamOptimizer optimizer, ReplayBuffer buffer, Generator[] generators)
    {
        Parameters = parameters;
        Optimizer = optimizer;
        Buffer = buffer;
        Generators = generators;
    }

    public IReadOnlyDictionary<string, Tensor> Parameters { get; }

    public AdamOptimizer Optimizer { get; }

    public ReplayBuffer Buffer { get; }

    /// <value>One per slot.</value>
    public Generator[] Generators { get; }

    public int Iteration { get; set; }

    public TimeSpan Elapsed { get; set; }

    public static TrainingState Create(TrainingRecipe recipe, ModelDescriptor model)
    {
        using var generator = new Generator(BlockSeed.Derive(recipe.Seed, -1));
        IReadOnlyDictionary<string, Tensor> parameters = EnergyModelFactory.Initialise(model.Architecture.Spec(), model.Input, generator);
        foreach (Tensor parameter in parameters.Values)
            parameter.requires_grad_(true);
        var buffer = ReplayBuffer.Create(recipe.BufferSize, model.Labels.Count, model.Input, generator);
        Generator[] generators =
            [.. Enumerable.Range(0, recipe.Slots).Select(slot => new Generator(BlockSeed.Derive(recipe.Seed, slot)))];
        return new TrainingState(parameters, new AdamOptimizer(recipe, parameters), buffer, generators);
    }

    /// <summary>All tensors by name, aliased, for a checkpoint.</summary>
    public TrainingSnapshot Capture()
    {
        var tensors = new Dictionary<string, Tensor>(Optimizer.State);
        foreach ((string name, Tensor parameter) in Parameters)
            tensors["parameter." + name] = parameter;
        tensors["buffer"] = Buffer.States;
        foreach ((int slot, Generator generator) in Generators.Index())
            tensors[$"generator.{slot}"] = generator.get_state();
        return new TrainingSnapshot(Iteration, Elapsed, tensors);
    }

    /// <summary>Copies a checkpoint into this state.</summary>
    public void Restore(TrainingSnapshot checkpoint)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((string name, Tensor parameter) in Parameters)
            parameter.copy_(checkpoint.Tensor("parameter." + name, parameter.shape));
        foreach ((string name, Tensor tensor) in Optimizer.State)
            tensor.copy_(checkpoint.Tensor(name, tensor.shape));
        Buffer.States.copy_(checkpoint.Tensor("buffer", Buffer.States.shape));
        foreach ((int slot, Generator generator) in Generators.Index())
            generator.set_state(checkpoint.Tensor($"generator.{slot}", generator.get_state().shape));
        Iteration = checkpoint.Iteration;
        Elapsed = checkpoint.Elapsed;
    }

    public void Dispose()
    {
        foreach (Tensor parameter in Parameters.Values)
            parameter.Dispose();
        Optimizer.Dispose();
        Buffer.Dispose();
        foreach (Generator generator in Generators)
            generator.Dispose();
    }
}
