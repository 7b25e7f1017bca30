using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Boltzmann;
using EbmService.Inference.Architectures.Ising;
using EbmService.Inference.Architectures.Potts;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>A model of few discrete variables with all its states and their probabilities.</summary>
internal sealed class DiscreteTarget : IDisposable
{
    private readonly List<float[]> _states;
    private readonly double[] _energies;
    private readonly double[] _probabilities;

    private DiscreteTarget(ArchitectureSpec architecture, VariableKind variables, long[] shape, double temperature, int held)
    {
        (Shape, Variables) = (shape, variables);
        Model = EnergyModelFactory.Create(architecture, Parameters(architecture));
        int categories = variables == VariableKind.Binary ? 2 : (int)shape[^1];
        int count = variables == VariableKind.Binary ? Length : Length / categories;
        // Held states are those that begin as the start does.
        _states = [.. Enumerable.Range(0, (int)Math.Pow(categories, count)).Select(index => State(index, count, categories))
            .Where(state => state.AsSpan(0, held).SequenceEqual(One().AsSpan(0, held)))];
        using Tensor energy = Model.Energy(Points([.. Enumerable.Range(0, _states.Count)]));
        _energies = energy.data<double>().ToArray();
        double[] weights = [.. _energies.Select(value => Math.Exp(-value / temperature))];
        _probabilities = [.. weights.Select(weight => weight / weights.Sum())];
    }

    public IEnergyModel Model { get; }

    public VariableKind Variables { get; }

    public long[] Shape { get; }

    public int Length => (int)Shape.Aggregate(1L, (product, size) => product * size);

    public int Count => _states.Count;

    /// <param name="held">How many of the first numbers are held at those of <see cref="Ones"/>.</param>
    public static DiscreteTarget Create(int index, double temperature, int held = 0) => index switch
    {
        0 => new(new IsingSpec(0.3, 0.1), VariableKind.Binary, [3, 3], temperature, held),
        1 => new(new IsingSpec(0.25, -0.1), VariableKind.Binary, [4, 4], temperature, held),
        2 => new(new PottsSpec(0.8, [0.3, 0, -0.2]), VariableKind.Categorical, [4, 3], temperature, held),
        3 => new(new IsingSpec(0.5, 0.2), VariableKind.Binary, [2, 2], temperature, held),
        5 => new(new RbmSpec(4), VariableKind.Binary, [6], temperature, held),
        6 => new(new RbmSpec(4, Classes: 3), VariableKind.Binary, [6], temperature, held),
        7 => new(new RbmSpec(4, VisibleUnits.Softmax), VariableKind.Categorical, [3, 4], temperature, held),
        8 => new(new DbmSpec([3, 2]), VariableKind.Binary, [9], temperature, held),
        9 => new(new DbmSpec([3, 2, 2]), VariableKind.Binary, [11], temperature, held),
        _ => new(new PottsSpec(1, [0.5, 0, -0.5]), VariableKind.Categorical, [3, 3], temperature, held),
    };

    /// <summary>Of 3 by 3 spins.</summary>
    public static DiscreteTarget Lattice(IsingSpec spec, double temperature) => new(spec, VariableKind.Binary, [3, 3], temperature, held: 0);

    public double Mean(Func<float[], double> f) => _states.Zip(_probabilities, (state, p) => p * f(state)).Sum();

    public double MeanOfEnergy(Func<double, double> f) => _energies.Zip(_probabilities, (energy, p) => p * f(energy)).Sum();

    /// <summary>Rows of ones, or of first categories.</summary>
    public Tensor Ones(int rows) => tensor([.. Enumerable.Repeat(One(), rows).SelectMany(one => one)], [rows, .. Shape]);

    public Tensor Points(int[] indices) => tensor([.. indices.SelectMany(index => _states[index])], [indices.Length, .. Shape]);

    /// <summary>Independent draws of states.</summary>
    public int[] Draw(int count, int seed)
    {
        var random = new Random(seed);
        double[] cumulative = new double[Count];
        double sum = 0;
        for (int i = 0; i < Count; i++)
            cumulative[i] = sum += _probabilities[i];
        return [.. Enumerable.Range(0, count).Select(_ => Math.Min(Count - 1, ~Array.BinarySearch(cumulative, random.NextDouble())))];
    }

    public int[] Indices(Tensor x)
    {
        var known = _states.Select((state, index) => (Key: string.Join(',', state), index)).ToDictionary(pair => pair.Key, pair => pair.index);
        return [.. x.flatten(1).data<float>().ToArray().Chunk(Length).Select(row => known[string.Join(',', row)])];
    }

    public void Dispose() => Model.Dispose();

    /// <summary>Standard normal, for couplings that are far from weak.</summary>
    private Dictionary<string, Tensor> Parameters(ArchitectureSpec architecture)
    {
        using var generator = new Generator(21UL);
        var input = new InputSchema(InputKind.Vector, [.. Shape.Select(size => (int)size)], 0, 1, Variables);
        return EnergyModelFactory.ParameterShapes(architecture, input)
            .ToDictionary(pair => pair.Key, pair => randn(pair.Value, generator: generator).DetachFromDisposeScope());
    }

    private float[] One() => State(Variables == VariableKind.Binary ? (1 << Length) - 1 : 0, Variables == VariableKind.Binary ? Length : Length / (int)Shape[^1],
        Variables == VariableKind.Binary ? 2 : (int)Shape[^1]);

    private float[] State(int index, int count, int categories)
    {
        var state = new float[Length];
        for (int i = 0; i < count; i++, index /= categories)
        {
            if (Variables == VariableKind.Binary)
                state[i] = index % 2;
            else
                state[i * categories + index % categories] = 1;
        }
        return state;
    }
}
