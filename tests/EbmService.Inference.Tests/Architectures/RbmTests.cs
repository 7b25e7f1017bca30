using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Boltzmann;
using EbmService.Inference.Tests.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures;

/// <summary>Against sums over all hidden states, and over all visible ones where those are few.</summary>
public sealed class RbmTests
{
    private const int Chains = 20_000;

    /// <summary>Example, class or -1.</summary>
    public static TheoryData<string, int> Cases => new()
    {
        { "binary", -1 }, { "labels", -1 }, { "labels", 1 }, { "softmax", -1 }, { "gaussian", -1 }, { "gaussian-variances", -1 }, { "gaussian-variances", 1 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Energy_Free_IsMinusTheLogOfTheSumOverHiddenUnits(string name, int label)
    {
        using DisposeScope scope = NewDisposeScope();
        ArchitectureExample example = EnergyCases.Example("rbm/" + name);
        using var exact = new ExactRbm(example);
        float[][] points = exact.Points();

        using Tensor energy = exact.Model.Energy(exact.Rows(points), label < 0 ? null : full(points.Length, label, dtype: ScalarType.Int64));

        Assert.Equal(
            points.Select(point => exact.FreeEnergy(point, label)), energy.data<double>().ToArray(),
            (expected, actual) => Math.Abs(expected - actual) < 1e-5 * (1 + Math.Abs(expected)));
    }

    /// <summary>What Resample draws from, as replica exchange must know it.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void LogDensity_AtATemperature_IsOfTheTemperedJointSummedOverHiddenUnits(string name, int label)
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactRbm(EnergyCases.Example("rbm/" + name));
        float[][] points = exact.Points();
        double[] temperatures = [.. points.Select((_, i) => 1 + i % 3)];

        using Tensor log = exact.Model.LogDensity(
            exact.Rows(points), tensor([.. temperatures.Select(temperature => 1 / temperature)]), label < 0 ? null : full(points.Length, label, dtype: ScalarType.Int64));

        Assert.Equal(
            points.Zip(temperatures, (point, temperature) => Math.Log(exact.JointWeight(point, temperature, label))), log.data<double>().ToArray(),
            (expected, actual) => Math.Abs(expected - actual) < 1e-5 * (1 + Math.Abs(expected)));
    }

    [Fact]
    public void Resample_AtATemperature_IsOfTheJointDistribution()
    {
        using DisposeScope scope = NewDisposeScope();
        const double Temperature = 2;
        using var exact = new ExactRbm(EnergyCases.Example("rbm/labels"));
        float[][] points = exact.Points();
        double[] weights = [.. points.Select(point => exact.JointWeight(point, Temperature))];

        float[][] drawn = Sample(exact, sweeps: 40, Temperature);

        for (int i = 0; i < points.Length; i++)
        {
            double expected = weights[i] / weights.Sum();
            double found = drawn.Count(row => row.SequenceEqual(points[i])) / (double)Chains;
            Assert.Equal(expected, found, 4.5 * Math.Sqrt(expected / Chains) + 1e-9);
        }
    }

    [Theory]
    [InlineData("gaussian", 1)]
    [InlineData("gaussian-variances", 1)]
    [InlineData("gaussian-variances", 0.5)]
    public void Resample_GaussianUnits_ReachTheMixturesMoments(string name, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactRbm(EnergyCases.Example("rbm/" + name), scale: 0.6);

        float[][] drawn = Sample(exact, sweeps: 60, temperature);

        (double[] means, double[] squares) = exact.MixtureMoments(temperature);
        for (int i = 0; i < exact.Visible; i++)
        {
            int at = i;
            Moments.AssertMean(means[i], [.. drawn.Select(row => (double)row[at])]);
            Moments.AssertMean(squares[i], [.. drawn.Select(row => (double)row[at] * row[at])]);
        }
    }

    /// <summary>What training estimates, with chains that ran long, is d log p / d parameter over the data.</summary>
    [Theory]
    [InlineData("binary")]
    [InlineData("labels")]
    [InlineData("softmax")]
    public void Gradient_OfDataAgainstLongChains_IsThatOfTheLogLikelihood(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactRbm(EnergyCases.Example("rbm/" + name));
        float[][] points = exact.Points();
        double[] weights = [.. points.Select(point => exact.JointWeight(point, 1))];
        double sum = weights.Sum();
        float[][] data = [points[1], points[^2]];

        IReadOnlyDictionary<string, double[]> ofData = exact.Slopes(data, [.. data.Select(_ => 1.0 / data.Length)]);
        IReadOnlyDictionary<string, double[]> ofModel = exact.Slopes(points, [.. weights.Select(weight => weight / sum)]);
        float[][] chains = Sample(exact, sweeps: 60, 1);
        IReadOnlyDictionary<string, double[]> ofChains = exact.Slopes(chains, [.. chains.Select(_ => 1.0 / Chains)]);

        double largest = 0;
        foreach (string parameter in ofData.Keys)
        {
            double[] expected = [.. ofData[parameter].Zip(ofModel[parameter], (data, model) => data - model)];
            double[] found = [.. ofData[parameter].Zip(ofChains[parameter], (data, chains) => data - chains)];
            // A slope's terms lie in [-1, 1]: 5 standard errors of 20 000 are 0.035 at most.
            Assert.Equal(expected, found, (a, b) => Math.Abs(a - b) < 0.035);
            largest = Math.Max(largest, expected.Max(Math.Abs));
        }
        Assert.True(largest > 0.2, $"{largest}: these data don't tell the model from any other");
    }

    /// <summary>By long steps, which are weighed in double, and by short ones, at the model's temperature and at another.</summary>
    [Theory]
    [InlineData(20, 1)]
    [InlineData(300, 1)]
    [InlineData(300, 1.7)]
    public void Path_BothWays_BracketsTheLogOfZ(int steps, double temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactRbm(EnergyCases.Example("rbm/binary"));
        double logZ = Math.Log(exact.Points().Sum(point => exact.JointWeight(point, temperature)));
        using var generator = new Generator(8UL);
        using IAnnealedPath sut = exact.Model.PathFrom(tensor(new float[] { 0.6f, 0.3f, 0.5f, 0.9f, 0.4f }), temperature)!;
        double[] betas = [.. Enumerable.Range(0, steps + 1).Select(i => (double)i / steps)];

        double[] forward = Walk(sut, sut.Draw(2000, generator), betas, backwards: false, generator);
        float[][] samples = Sample(exact, sweeps: 60, temperature);
        double[] reverse = Walk(sut, exact.Rows(samples[..2000]), [.. betas.Reverse()], backwards: true, generator);

        Moments.AssertMean(1, [.. forward.Select(log => Math.Exp(log + sut.LogZOfBase - logZ))]);
        Moments.AssertMean(1, [.. reverse.Select(log => Math.Exp(log - sut.LogZOfBase + logZ))]);
        // Jensen: the mean of the logs lies below the log of the mean, on either way.
        Assert.True(forward.Average() + sut.LogZOfBase < logZ);
        Assert.True(sut.LogZOfBase - reverse.Average() > logZ);
    }

    [Fact]
    public void Weigh_ShortSteps_AreThePartsOfALongOne()
    {
        using DisposeScope scope = NewDisposeScope();
        using var exact = new ExactRbm(EnergyCases.Example("rbm/binary"), scale: 6);
        float[][] points = exact.Points();
        using IAnnealedPath sut = exact.Model.PathFrom(tensor(new float[] { 0.6f, 0.3f, 0.5f, 0.9f, 0.4f }), 1)!;
        Tensor whole = zeros(points.Length, dtype: ScalarType.Float64), parts = zeros_like(whole), back = zeros_like(whole);

        sut.Weigh(exact.Rows(points), 0, 1, whole);
        for (int i = 0; i < 500; i++)
        {
            sut.Weigh(exact.Rows(points), i / 500.0, (i + 1) / 500.0, parts);
            sut.Weigh(exact.Rows(points), 1 - i / 500.0, 1 - (i + 1) / 500.0, back);
        }

        Assert.Equal(whole.data<double>().ToArray(), parts.data<double>().ToArray(), (a, b) => Math.Abs(a - b) < 2e-5 * (1 + Math.Abs(a)));
        Assert.Equal(whole.neg().data<double>().ToArray(), back.data<double>().ToArray(), (a, b) => Math.Abs(a - b) < 2e-5 * (1 + Math.Abs(a)));
    }

    internal static double[] Walk(IAnnealedPath path, Tensor x, IReadOnlyList<double> betas, bool backwards, Generator generator)
    {
        Tensor logWeights = zeros(x.shape[0], dtype: ScalarType.Float64);
        for (int step = 1; step < betas.Count - 1; step++)
            path.WeighAndMove(x, betas[step - 1], betas[step], backwards, logWeights, generator);
        path.Weigh(x, betas[^2], betas[^1], logWeights);
        return logWeights.data<double>().ToArray();
    }

    [Theory]
    [InlineData("""{ "kind": "rbm", "hidden": 4 }""", VariableKind.Continuous, "bernoulli units")]
    [InlineData("""{ "kind": "rbm", "hidden": 4, "visible": "gaussian" }""", VariableKind.Binary, "gaussian units")]
    [InlineData("""{ "kind": "rbm", "hidden": 4, "learnedVariance": true }""", VariableKind.Binary, "variances")]
    public void Faults_UnitsThatTheInputHasNot_AreNamed(string json, VariableKind variables, string part)
    {
        ArchitectureSpec spec = System.Text.Json.JsonSerializer.Deserialize<ModelArchitecture>(json, Core.Json.EbmJson.Options)!.Spec();

        Assert.Contains(spec.Family().Faults(spec, new InputSchema(InputKind.Vector, [4], 0, 1, variables)), fault => fault.Contains(part));
    }

    private static float[][] Sample(ExactRbm exact, int sweeps, double temperature)
    {
        using var generator = new Generator(5UL);
        using Tensor x = exact.Rows([.. Enumerable.Repeat(exact.Points()[0], Chains)]);
        for (int sweep = 0; sweep < sweeps; sweep++)
            exact.Model.Resample(x, 0, temperature, null, null, generator);
        return [.. x.data<float>().ToArray().Chunk(exact.Visible)];
    }

    /// <summary>A small machine with couplings of order one, and its sums in double.</summary>
    private sealed class ExactRbm : IDisposable
    {
        private readonly ArchitectureExample _example;
        private readonly RbmSpec _spec;
        private readonly Dictionary<string, double[]> _parameters;

        public ExactRbm(ArchitectureExample example, double scale = 1)
        {
            (_example, _spec) = (example, (RbmSpec)example.Spec);
            using var generator = new Generator(3UL);
            Dictionary<string, Tensor> tensors = EnergyModelFactory.ParameterShapes(example.Spec, example.Input)
                .ToDictionary(pair => pair.Key, pair => randn(pair.Value, generator: generator).mul_(scale).DetachFromDisposeScope());
            _parameters = tensors.ToDictionary(pair => pair.Key, pair => pair.Value.data<float>().ToArray().Select(value => (double)value).ToArray());
            Model = (RbmEnergy)EnergyModelFactory.Create(example.Spec, tensors);
        }

        public RbmEnergy Model { get; }

        public int Visible => _example.Input.Length();

        private int Classes => Math.Max(1, _spec.Classes);

        private IEnumerable<double[]> HiddenStates => Enumerable.Range(0, 1 << _spec.Hidden).Select(h => (double[])[.. Enumerable.Range(0, _spec.Hidden).Select(j => h >> j & 1)]);

        /// <summary>All states where they can be listed, else some points.</summary>
        public float[][] Points() => _spec.Visible switch
        {
            VisibleUnits.Bernoulli => [.. Enumerable.Range(0, 1 << Visible).Select(v => (float[])[.. Enumerable.Range(0, Visible).Select(i => v >> i & 1)])],
            VisibleUnits.Softmax => [.. Enumerable.Range(0, (int)Math.Pow(4, Visible / 4)).Select(OneHot)],
            _ => [.. Enumerable.Range(0, 5).Select(p => (float[])[.. Enumerable.Range(0, Visible).Select(i => (p - 2) * 0.7f + i * 0.3f)])],
        };

        public Tensor Rows(float[][] points) => tensor([.. points.SelectMany(point => point)], [points.Length, .. _example.Input.Shape.Select(size => (long)size)]);

        /// <param name="label">-1: summed over classes.</param>
        public double FreeEnergy(float[] v, int label) => -Math.Log(Labels(label).Sum(y => HiddenStates.Sum(h => Math.Exp(-Energy(v, h, y)))));

        /// <returns>sum over h and y of exp(-E(v, h, y) / T).</returns>
        public double JointWeight(float[] v, double temperature, int label = -1) =>
            Labels(label).Sum(y => HiddenStates.Sum(h => Math.Exp(-Energy(v, h, y) / temperature)));

        /// <summary>First and second moments of v: given (h, y) it is normal about b + h W, with weights that complete the square.</summary>
        public (double[] Means, double[] Squares) MixtureMoments(double temperature)
        {
            double[] means = new double[Visible], squares = new double[Visible];
            double total = 0;
            foreach (double[] h in HiddenStates)
            {
                double[] centre = [.. Enumerable.Range(0, Visible).Select(i => _parameters["visible.bias"][i] + Pull(h, i))];
                double weight = Labels(-1).Sum(y => Math.Exp((Drive(h, y) + Enumerable.Range(0, Visible).Sum(i =>
                    (centre[i] * centre[i] - Math.Pow(_parameters["visible.bias"][i], 2)) / (2 * Variance(i)))) / temperature));
                total += weight;
                for (int i = 0; i < Visible; i++)
                {
                    means[i] += weight * centre[i];
                    squares[i] += weight * (centre[i] * centre[i] + Variance(i) * temperature);
                }
            }
            return ([.. means.Select(mean => mean / total)], [.. squares.Select(square => square / total)]);
        }

        /// <summary>d F / d parameter, averaged over points with weights; by autograd, as training takes it.</summary>
        public IReadOnlyDictionary<string, double[]> Slopes(float[][] points, double[] weights)
        {
            Dictionary<string, Tensor> parameters = Model.Parameters.ToDictionary(pair => pair.Key, pair => pair.Value.clone().requires_grad_(true).DetachFromDisposeScope());
            using IEnergyModel trained = EnergyModelFactory.Create(_spec, parameters);
            using Tensor loss = trained.Energy(Rows(points)).mul(tensor(weights)).sum();
            loss.backward();
            return parameters.ToDictionary(pair => pair.Key, pair => pair.Value.grad!.data<float>().ToArray().Select(value => (double)value).ToArray());
        }

        public void Dispose() => Model.Dispose();

        private IEnumerable<int> Labels(int label) => label >= 0 ? [label] : Enumerable.Range(0, Classes);

        private double Energy(float[] v, double[] h, int y)
        {
            double energy = -Drive(h, y);
            for (int i = 0; i < Visible; i++)
            {
                double bias = _parameters["visible.bias"][i];
                energy += _spec.Visible == VisibleUnits.Gaussian
                    ? (Math.Pow(v[i] - bias, 2) / 2 - v[i] * Pull(h, i)) / Variance(i)
                    : -v[i] * (bias + Pull(h, i));
            }
            return energy;
        }

        /// <summary>What the hidden units and the class have of energy without v, with the sign turned.</summary>
        private double Drive(double[] h, int y) =>
            h.Select((on, j) => on * (_parameters["hidden.bias"][j] + (_spec.Classes > 0 ? _parameters["label.weight"][j * _spec.Classes + y] : 0))).Sum()
            + (_spec.Classes > 0 ? _parameters["label.bias"][y] : 0);

        private double Pull(double[] h, int i) => h.Select((on, j) => on * _parameters["weight"][j * Visible + i]).Sum();

        private double Variance(int i) => _parameters.TryGetValue("visible.logVariance", out double[]? logs) ? Math.Exp(logs[i]) : 1;

        private float[] OneHot(int index)
        {
            var state = new float[Visible];
            for (int i = 0; i < Visible; i += 4, index /= 4)
                state[i + index % 4] = 1;
            return state;
        }
    }
}
