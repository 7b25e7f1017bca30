using System.Text.Json;
using EbmService.Core.Json;
using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Boltzmann;
using EbmService.Inference.Tests.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures;

/// <summary>Against sums over all states of small machines with standard normal weights; what chains reach is tested with the kernels.</summary>
public sealed class DbmTests
{
    private const int Rows = 20_000;

    public static TheoryData<string> Cases => ["two-layers", "three-layers"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Energy_EveryState_IsThatOfTheFormula(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactDbm(name);

        double[] energy = exact.Model.Energy(exact.Points(exact.States)).data<double>().ToArray();

        Assert.Equal(exact.States.Select(exact.Energy), energy, (expected, actual) => Math.Abs(expected - actual) < 1e-5 * (1 + Math.Abs(expected)));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EnergyAndGradient_AnyPoint_IsTheSlopeByAutograd(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactDbm(name);
        using var generator = new Generator(6UL);
        Tensor x = rand([7, exact.Units], generator: generator);
        Tensor input = x.clone().requires_grad_(true);
        exact.Model.Energy(input).sum().backward();

        (_, Tensor gradient) = exact.Model.EnergyAndGradient(x);

        Assert.True(gradient.allclose(input.grad!, 1e-5, 1e-6));
    }

    /// <summary>What a trainer needs: a mean of dE / d parameter over independent units is that slope at their means, as E is linear in each.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Energy_AtMeans_HasTheMeanOfTheSlopesByTheParameters(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactDbm(name);
        using var generator = new Generator(6UL);
        float[] means = rand([exact.Units], generator: generator).data<float>().ToArray();
        double[] weights = [.. exact.States.Select(state => state.Zip(means, (unit, mean) => unit > 0 ? (double)mean : 1 - mean).Aggregate((p, each) => p * each))];

        IReadOnlyDictionary<string, float[]> atMeans = exact.Slopes([means], [1]);
        IReadOnlyDictionary<string, float[]> ofStates = exact.Slopes(exact.States, weights);

        Assert.Equal(exact.Model.Parameters.Keys.Order(), atMeans.Keys.Order());
        Assert.All(atMeans, pair => Assert.Equal(ofStates[pair.Key], pair.Value, (a, b) => Math.Abs(a - b) < 1e-5));
        Assert.All(atMeans, pair => Assert.All(pair.Value, slope => Assert.NotEqual(0, slope)));
    }

    /// <summary>Both halves of a sweep, at two temperatures, from one point: each unit of the block is on as often as its conditional says, the others stay.</summary>
    [Theory]
    [InlineData("two-layers", 0, 1)]
    [InlineData("two-layers", 1, 2)]
    [InlineData("three-layers", 0, 2)]
    [InlineData("three-layers", 1, 1)]
    public void Resample_Block_IsTheConditionalGivenTheOtherLayers(string name, int block, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactDbm(name);
        float[] point = exact.States[exact.States.Length / 3];
        int[] drawn = [.. Enumerable.Range(0, exact.Units).Where(unit => exact.LayerOf(unit) % 2 != block)];
        using var generator = new Generator(5UL);
        Tensor x = exact.Points([.. Enumerable.Repeat(point, Rows)]);

        exact.Model.Resample(x, block, temperature, null, null, generator);

        float[][] rows = [.. x.data<float>().ToArray().Chunk(exact.Units)];
        foreach (int unit in Enumerable.Range(0, exact.Units))
        {
            if (drawn.Contains(unit))
            {
                float[] on = [.. point], off = [.. point];
                (on[unit], off[unit]) = (1, 0);
                double expected = 1 / (1 + Math.Exp((exact.Energy(on) - exact.Energy(off)) / temperature));
                Moments.AssertMean(expected, [.. rows.Select(row => (double)row[unit])]);
            }
            else
            {
                Assert.All(rows, row => Assert.Equal(point[unit], row[unit]));
            }
        }
        Assert.NotEmpty(drawn);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Infer_Visible_SolvesTheMeanFieldEquationsAndBoundsTheLogDensity(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactDbm(name);
        Tensor visible = exact.Points([.. exact.States.Where(state => exact.Hidden(state).All(unit => unit == 0))]).narrow(1, 0, exact.Model.VisibleLength);

        Tensor joint = exact.Model.Infer(visible);

        Assert.Equal([16, exact.Units], joint.shape);
        Assert.True(joint.narrow(1, 0, exact.Model.VisibleLength).eq(visible).all().ToBoolean());
        foreach (float[] row in joint.data<float>().ToArray().Chunk(exact.Units))
        {
            double entropy = 0;
            for (int unit = exact.Model.VisibleLength; unit < exact.Units; unit++)
            {
                float[] on = [.. row], off = [.. row];
                (on[unit], off[unit]) = (1, 0);
                Assert.Equal(1 / (1 + Math.Exp(exact.Energy(on) - exact.Energy(off))), row[unit], 1e-4);
                entropy -= row[unit] * Math.Log(row[unit]) + (1 - row[unit]) * Math.Log(1 - row[unit]);
            }
            double bound = entropy - exact.Energy(row), log = Math.Log(exact.States
                .Where(state => state.AsSpan(0, exact.Model.VisibleLength).SequenceEqual(row.AsSpan(0, exact.Model.VisibleLength))).Sum(state => Math.Exp(-exact.Energy(state))));
            Assert.InRange(bound, log - 1.5, log + 1e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Path_BothWays_BracketsTheLogOfZ(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactDbm(name);
        double[] weights = [.. exact.States.Select(state => Math.Exp(-exact.Energy(state)))];
        double logZ = Math.Log(weights.Sum());
        using var generator = new Generator(8UL);
        using IAnnealedPath sut = exact.Model.PathFrom(tensor(new float[] { 0.6f, 0.3f, 0.5f, 0.9f }), temperature: 1)!;
        double[] betas = [.. Enumerable.Range(0, 101).Select(i => i / 100.0)];

        double[] forward = RbmTests.Walk(sut, sut.Draw(2000, generator), betas, backwards: false, generator);
        long[] drawn = multinomial(tensor(weights), 2000, replacement: true, generator).data<long>().ToArray();
        double[] reverse = RbmTests.Walk(
            sut, exact.Points([.. drawn.Select(index => exact.States[index])]), [.. betas.Reverse()], backwards: true, generator);

        Moments.AssertMean(1, [.. forward.Select(log => Math.Exp(log + sut.LogZOfBase - logZ))]);
        Moments.AssertMean(1, [.. reverse.Select(log => Math.Exp(log - sut.LogZOfBase + logZ))]);
        // Jensen: the mean of the logs lies below the log of the mean, on either way.
        Assert.True(forward.Average() + sut.LogZOfBase < logZ);
        Assert.True(sut.LogZOfBase - reverse.Average() > logZ);
    }

    [Theory]
    [InlineData("[3]", "", VariableKind.Binary, "2 to 256 hidden layers, not 1")]
    [InlineData("[3, 0]", "", VariableKind.Binary, "without units")]
    [InlineData("[5, 4]", "", VariableKind.Binary, "leave no number of the input visible")]
    [InlineData("[2147483647, 2147483647]", "", VariableKind.Binary, "leave no number of the input visible")]
    [InlineData("[3, 2]", ", \"visibleShape\": [1, 2, 3]", VariableKind.Binary, "[1, 2, 3] is not of the 4 numbers")]
    [InlineData("[3, 2]", ", \"visibleShape\": [-2, -2]", VariableKind.Binary, "[-2, -2] is not of the 4 numbers")]
    [InlineData("[3, 2]", "", VariableKind.Continuous, "takes binary variables")]
    public void Faults_SizesThatDoNotFit_AreNamed(string hidden, string shape, VariableKind variables, string part)
    {
        ArchitectureSpec spec = JsonSerializer.Deserialize<ModelArchitecture>($$"""{ "kind": "dbm", "hidden": {{hidden}}{{shape}} }""", EbmJson.Options)!.Spec();
        var input = new InputSchema(InputKind.Vector, [9], 0, 1, variables);

        Assert.Contains(spec.Family().Faults(spec, input), fault => fault.Contains(part));
        // Asked for before the faults are.
        Assert.NotNull(spec.Family().Capabilities(spec, input));
    }

    [Fact]
    public void Capabilities_OfAnImageMachine_NameItsLatentsAndItsPicture()
    {
        var spec = new DbmSpec([500, 1000], [1, 28, 28]);
        var input = new InputSchema(InputKind.Vector, [2284], 0, 1, VariableKind.Binary);

        ModelCapabilities sut = spec.Family().Capabilities(spec, input);

        Assert.Equal([new("h1", 784, 500), new LatentPart("h2", 1284, 1000)], sut.Latents);
        Assert.Equal([1, 28, 28], sut.VisibleShape);
    }

    /// <summary>A machine of four visible units, and its sums in double.</summary>
    private sealed class ExactDbm : IDisposable
    {
        private readonly DbmSpec _spec;
        private readonly Dictionary<string, float[]> _parameters;
        private readonly int[] _offsets;

        public ExactDbm(string name)
        {
            ArchitectureExample example = EnergyCases.Example("dbm/" + name);
            (_spec, Units) = ((DbmSpec)example.Spec, example.Input.Length());
            using var generator = new Generator(3UL);
            Dictionary<string, Tensor> tensors = EnergyModelFactory.ParameterShapes(example.Spec, example.Input)
                .ToDictionary(pair => pair.Key, pair => randn(pair.Value, generator: generator).DetachFromDisposeScope());
            _parameters = tensors.ToDictionary(pair => pair.Key, pair => pair.Value.data<float>().ToArray());
            Model = (DbmEnergy)EnergyModelFactory.Create(example.Spec, tensors);
            _offsets = [0, Units - _spec.Hidden.Sum(), .. _spec.Hidden.Select((_, layer) => Units - _spec.Hidden.Skip(layer + 1).Sum())];
            States = [.. Enumerable.Range(0, 1 << Units).Select(state => (float[])[.. Enumerable.Range(0, Units).Select(i => state >> i & 1)])];
        }

        public DbmEnergy Model { get; }

        public int Units { get; }

        public float[][] States { get; }

        public int LayerOf(int unit) => Array.FindLastIndex(_offsets, offset => offset <= unit);

        public ReadOnlySpan<float> Layer(float[] state, int layer) => state.AsSpan(_offsets[layer], _offsets[layer + 1] - _offsets[layer]);

        public float[] Hidden(float[] state) => state[_offsets[1]..];

        public Tensor Points(float[][] states) => tensor([.. states.SelectMany(state => state)], [states.Length, Units]);

        public double Energy(float[] state)
        {
            double energy = 0;
            for (int layer = 0; layer <= _spec.Hidden.Count; layer++)
            {
                ReadOnlySpan<float> units = Layer(state, layer), below = layer == 0 ? [] : Layer(state, layer - 1);
                float[] bias = _parameters[layer == 0 ? "visible.bias" : $"layer{layer}.bias"];
                for (int i = 0; i < units.Length; i++)
                {
                    energy -= (double)units[i] * bias[i];
                    for (int j = 0; j < below.Length; j++)
                        energy -= (double)units[i] * _parameters[$"layer{layer}.weight"][i * below.Length + j] * below[j];
                }
            }
            return energy;
        }

        /// <summary>d E / d parameter, summed over rows with weights; by autograd, as training takes it.</summary>
        public IReadOnlyDictionary<string, float[]> Slopes(float[][] rows, double[] weights)
        {
            Dictionary<string, Tensor> parameters = Model.Parameters.ToDictionary(pair => pair.Key, pair => pair.Value.clone().requires_grad_(true).DetachFromDisposeScope());
            using IEnergyModel trained = EnergyModelFactory.Create(_spec, parameters);
            using Tensor loss = trained.Energy(Points(rows)).mul(tensor(weights)).sum();
            loss.backward();
            return parameters.ToDictionary(pair => pair.Key, pair => pair.Value.grad!.data<float>().ToArray());
        }

        public void Dispose() => Model.Dispose();
    }
}
