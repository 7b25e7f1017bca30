using System.Text.Json.Nodes;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Core.Tensors;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Restoration;

/// <summary>Whole jobs against posteriors that are known: of a Gaussian in closed form, of a small RBM by enumeration.</summary>
public sealed class RestorationPosteriorTests : IDisposable
{
    private readonly JobTypeHost _host = new();

    public RestorationPosteriorTests() => set_num_threads(1);

    public void Dispose() => _host.Dispose();

    /// <summary>Precision P + A'A / s^2, mean m + (precision)^-1 A' (y - A m) / s^2, of P = ((2, 0.5), (0.5, 1)), m = (0.5, -0.5), A = (1, 2), s = 0.7, y = 1.5.</summary>
    [Theory]
    [InlineData("""{"kernel": "hmc", "steps": 60}""")]
    [InlineData("""{"kernel": "mala", "steps": 200, "stepSize": 0.1}""")]
    public async Task Samples_OfAGaussian_HaveThePosteriorsMoments(string chain)
    {
        IReadOnlyDictionary<string, byte[]> files = await RunAsync("gaussian",
            $$"""{"inputs": {"data": [[1.5]]}, "damage": {"kind": "matrix", "matrix": [[1, 2]], "sigma": 0.7}, "samples": 1024, "chain": {{chain}}, "seed": 3}""");
        double a = 2 + 1 / 0.49, b = 0.5 + 2 / 0.49, c = 1 + 4 / 0.49, determinant = a * c - b * b;
        double pull = (1.5 - (0.5 - 2 * 0.5)) / 0.49;
        double[] mean = [0.5 + (c - 2 * b) / determinant * pull, -0.5 + (2 * a - b) / determinant * pull];

        float[] restored = Values(files["restored.npy"]), deviation = Values(files["std.npy"]), samples = Values(files["samples.npy"]);

        // Four standard errors over 1024 independent chains.
        Assert.Equal(mean[0], restored[0], 4 * Math.Sqrt(c / determinant / 1024));
        Assert.Equal(mean[1], restored[1], 4 * Math.Sqrt(a / determinant / 1024));
        Assert.Equal(Math.Sqrt(c / determinant), deviation[0], Math.Sqrt(c / determinant) * 4 / Math.Sqrt(2 * 1023));
        Assert.Equal(Math.Sqrt(a / determinant), deviation[1], Math.Sqrt(a / determinant) * 4 / Math.Sqrt(2 * 1023));
        double covariance = samples.Chunk(2).Average(x => (x[0] - restored[0]) * (x[1] - restored[1]));
        Assert.Equal(-b / determinant, covariance, 4 * Math.Sqrt((a * c + b * b) / (determinant * determinant) / 1024));
    }

    /// <summary>Given x1 the second is normal with precision 1 and mean -0.5 - 0.5 (x1 - 0.5).</summary>
    [Fact]
    public async Task Samples_OfAMissingCoordinate_HaveTheConditionalsMoments()
    {
        IReadOnlyDictionary<string, byte[]> files = await RunAsync("gaussian",
            """{"inputs": {"data": [[2.5, 0], [-0.125, 1]]}, "damage": {"kind": "mask", "mask": [0, 1]}, "samples": 1024, "chain": {"kernel": "hmc", "steps": 60}, "seed": 1}""");

        float[] restored = Values(files["restored.npy"]), deviation = Values(files["std.npy"]);

        Assert.Equal([2.5f, -0.125f], [restored[0], restored[2]]);
        Assert.Equal([0f, 0f], [deviation[0], deviation[2]]);
        Assert.Equal(-1.5, restored[1], 4 / 32.0);
        Assert.Equal(-0.5 + 0.3125, restored[3], 4 / 32.0);
        Assert.Equal(1, deviation[1], 4 / Math.Sqrt(2046));
    }

    [Fact]
    public async Task Samples_OfAClampedRbm_AreThoseOfEnumeration()
    {
        IReadOnlyDictionary<string, byte[]> files = await RunAsync("rbm",
            """{"inputs": {"data": [[1, 0, 1, 0, 1]]}, "damage": {"kind": "mask", "mask": [0, 1, 1, 0, 1]}, "samples": 1024, "chain": {"kernel": "blockedGibbs", "temperature": 1, "steps": 60}, "seed": 2}""");
        double[] expected = Conditional(free: [1, 2, 4], basis: [1, 0, 0, 0, 0], _ => 0);

        AssertFrequencies(expected, free: [1, 2, 4], Values(files["samples.npy"]));
        Assert.All(Values(files["samples.npy"]).Chunk(5), sample => Assert.Equal([1f, 0f], [sample[0], sample[3]]));
    }

    [Fact]
    public async Task Samples_OfFlippedBits_AreThoseOfEnumeration()
    {
        IReadOnlyDictionary<string, byte[]> files = await RunAsync("rbm",
            """{"inputs": {"data": [[1, 0, 1, 0, 1]]}, "damage": {"kind": "saltAndPepper", "share": 0.5}, "samples": 1024, "chain": {"kernel": "gibbsWithGradients", "temperature": 1, "steps": 150}, "seed": 2}""");
        float[] seen = [1, 0, 1, 0, 1];
        double[] expected = Conditional([0, 1, 2, 3, 4], new float[5], x => Math.Log(3) * x.Zip(seen).Count(pair => pair.First != pair.Second));

        AssertFrequencies(expected, [0, 1, 2, 3, 4], Values(files["samples.npy"]));
    }

    [Fact]
    public async Task Known_Numbers_KeepTheirBits()
    {
        float[] rows = [.. Enumerable.Range(0, 3 * 64).Select(i => i % 5 == 0 ? -0f : (float)Math.Sin(i))];
        string data = $$"""{"npy": "{{Convert.ToBase64String(NpyFormat.Write(new TensorPayload([3, 1, 8, 8], rows)))}}"}""";

        foreach (string chain in new[] { """{"steps": 5}""", """{"kernel": "mala", "steps": 4}""", """{"kernel": "hmc", "steps": 4}""", """{"kernel": "underdamped", "steps": 4, "temperature": 1}""" })
        {
            IReadOnlyDictionary<string, byte[]> files = await RunAsync("jem", $$"""{"truth": {{data}}, "damage": {"kind": "half", "side": "bottom"}, "samples": 2, "chain": {{chain}}}""");

            float[] samples = Values(files["samples.npy"]), restored = Values(files["restored.npy"]), ends = Values(files["intervals.npy"]);
            for (int row = 0; row < 3; row++)
            {
                int[] expected = Bits(rows.AsSpan(row * 64, 32));
                Assert.Equal(expected, Bits(restored.AsSpan(row * 64, 32)));
                for (int copy = 0; copy < 2; copy++)
                {
                    Assert.Equal(expected, Bits(samples.AsSpan((2 * row + copy) * 64, 32)));
                    Assert.Equal(expected, Bits(ends.AsSpan((2 * row + copy) * 64, 32)));
                }
            }
        }
    }

    [Fact]
    public async Task Nearest_AndMeanFill_AreThoseOfTheReference()
    {
        IReadOnlyDictionary<string, byte[]> files = await RunAsync("gaussian", """
            {"truth": {"data": [[1, 1], [0, 3]]}, "damage": {"kind": "mask", "mask": [0, 1]}, "reference": {"data": [[0.9, -1], [0.2, 2], [-2, 4.5]]},
             "samples": 2, "chain": {"kernel": "hmc", "steps": 2}}
            """);

        JsonNode errors = JsonNode.Parse(files["restoration.json"])!["errors"]!;
        // Nearest by the first number: -1 and 2. The mean of the second numbers: 5.5 / 3.
        Assert.Equal((4 + 1) / 2.0, (double)errors["nearest"]!["mseUnknown"]!["mean"]!, 1e-6);
        double fill = 5.5 / 3;
        Assert.Equal((Math.Pow(fill - 1, 2) + Math.Pow(fill - 3, 2)) / 2, (double)errors["meanFill"]!["mseUnknown"]!["mean"]!, 1e-6);
    }

    [Fact]
    public async Task Intervals_WithCalibration_HoldTheirLevel()
    {
        // The truth is the model's own: rows of N(m, P^-1); chains of temperature 0.04 are five times too narrow.
        using var generator = new Generator(12UL);
        string truth = Draws(generator, 400), calibration = Draws(generator, 400);

        IReadOnlyDictionary<string, byte[]> files = await RunAsync("gaussian",
            $$"""{"truth": {"data": {{truth}}}, "calibration": {"data": {{calibration}}}, "damage": {"kind": "mask", "mask": [0, 1]}, "samples": 16, "chain": {"kernel": "hmc", "temperature": 0.04, "steps": 40}, "seed": 4}""");

        JsonNode intervals = JsonNode.Parse(files["restoration.json"])!["intervals"]!;
        Assert.InRange((double)intervals["samplesCoverage"]!["mean"]!, 0.1, 0.35);
        // Four standard errors of a share of 400, of the test and of the fit.
        Assert.InRange((double)intervals["coverage"]!["mean"]!, 0.9 - 0.085, 0.9 + 0.085);
    }

    [Fact]
    public async Task Intervals_OfBinarySamples_HoldTheirLevelWhereScoresAreEqual()
    {
        // Many scores are the scale itself: rounding must not put the truth outside.
        using var generator = new Generator(13UL);
        string Bits(int rows) => "[" + string.Join(", ", rand(rows, 5, generator: generator).ge(0.5).to(ScalarType.Float32).data<float>().ToArray().Chunk(5)
            .Select(row => "[" + string.Join(", ", row) + "]")) + "]";

        IReadOnlyDictionary<string, byte[]> files = await RunAsync("rbm",
            $$$"""{"truth": {"data": {{{Bits(300)}}}}, "calibration": {"data": {{{Bits(300)}}}}, "damage": {"kind": "mask", "mask": [0, 1, 1, 0, 1]}, "samples": 16, "chain": {"kernel": "blockedGibbs", "temperature": 1, "steps": 30}, "seed": 4}""");

        Assert.InRange((double)JsonNode.Parse(files["restoration.json"])!["intervals"]!["coverage"]!["mean"]!, 0.86, 1);
    }

    [Theory]
    [InlineData("gaussian", """{"kind": "mask", "mask": [0, 0]}""", "spec.damage.mask")]
    [InlineData("gaussian", """{"kind": "mask", "mask": [1, 1]}""", "spec.damage.mask")]
    [InlineData("gaussian", """{"kind": "mask", "mask": [1, 0, 1]}""", "spec.damage.mask")]
    [InlineData("gaussian", """{"kind": "mask", "mask": [0.5, 0]}""", "spec.damage.mask")]
    [InlineData("gaussian", """{"kind": "noise", "sigma": 0}""", "spec.damage.sigma")]
    [InlineData("gaussian", """{"kind": "noise"}""", "spec.damage.sigma")]
    [InlineData("gaussian", """{"kind": "noise", "sigma": 1, "factor": 2}""", "spec.damage.factor")]
    [InlineData("gaussian", """{"kind": "half", "side": "left"}""", "spec.damage.kind")]
    [InlineData("gaussian", """{"kind": "matrix", "matrix": [[1, 2, 3]], "sigma": 1}""", "spec.damage.matrix")]
    [InlineData("gaussian", """{"kind": "matrix", "matrix": [[0, 0]], "sigma": 1}""", "spec.damage.matrix")]
    [InlineData("gaussian", """{"kind": "saltAndPepper", "share": 1}""", "spec.damage.share")]
    [InlineData("jem", """{"kind": "blur", "kernel": [[1, 1, 1, 1, 1, 1, 1, 1, 1]], "sigma": 1}""", "spec.damage.kernel")]
    [InlineData("jem", """{"kind": "blur", "kernel": [1, 2], "sigma": 1}""", "spec.damage.kernel")]
    [InlineData("jem", """{"kind": "downsample", "factor": 3, "sigma": 1}""", "spec.damage.factor")]
    [InlineData("jem", """{"kind": "box", "boxes": []}""", "spec.damage.boxes")]
    [InlineData("jem", """{"kind": "box", "boxes": [{"top": 5, "left": 0, "height": 4, "width": 1}]}""", "spec.damage.boxes")]
    [InlineData("jem", """{"kind": "box", "boxes": [{"top": 0, "left": 0, "height": 8, "width": 8}]}""", "spec.damage.boxes")]
    [InlineData("rbm", """{"kind": "noise", "sigma": 1}, "chain": {"kernel": "blockedGibbs"}""", "spec.chain.kernel")]
    [InlineData("gaussian", """{"kind": "mask", "mask": [0, 1]}, "calibration": {"data": [[0, 0]]}""", "spec.calibration")]
    [InlineData("gaussian", """{"kind": "mask", "mask": [0, 1]}, "reference": {"data": [[0, 9]]}""", "spec.reference.data[0][1]")]
    public async Task Accept_OfADamageThatCantBe_NamesTheField(string model, string damage, string field)
    {
        string truth = model switch { "jem" => JobTypeCase.Rows(8, 8), "rbm" => "[0, 1, 0, 1, 1]", _ => "[0, 0]" };
        Outcome<JobDefinition> refused = await _host.AcceptAsync("restoration", model, $$"""{"truth": {"data": [{{(model == "jem" ? $"[{truth}]" : truth)}}]}, "damage": {{damage}}}""");

        Assert.Contains(field, refused.Failure!.Fields.Select(error => error.Field));
    }

    [Fact]
    public async Task Damage_OfARow_DoesNotDependOnBlocks()
    {
        string spec = $$"""{"truth": {"data": {{JobTypeCase.Rows(7, 2)}}}, "damage": {"kind": "noise", "sigma": 0.3}, "samples": 2, "seed": 8, "chain": {"kernel": "mala", "steps": 2}, "blockSize": BLOCK}""";

        byte[][] damaged = [(await RunAsync("gaussian", spec.Replace("BLOCK", "2")))["damaged.npy"], (await RunAsync("gaussian", spec.Replace("BLOCK", "7")))["damaged.npy"]];

        Assert.Equal(damaged[0], damaged[1]);
    }

    /// <summary>p(free | basis) of exp(-E(x) - D(x)), by the bits of the free numbers, the first the lowest.</summary>
    private double[] Conditional(int[] free, float[] basis, Func<float[], double> data)
    {
        float[][] states = [.. Enumerable.Range(0, 1 << free.Length).Select(bits =>
        {
            float[] x = [.. basis];
            foreach ((int place, int index) in free.Index())
                x[index] = bits >> place & 1;
            return x;
        })];
        var inputs = new TensorPayload([states.Length, 5], [.. states.SelectMany(x => x)]);
        float[] energies = _host.Queries.Evaluate([new ModelQuery { Model = new ModelKey("rbm", "1"), Kind = QueryKind.Energy, Inputs = inputs, Alpha = 0.5 }])
            .Single().OrThrow().Energies!;
        double[] weights = [.. states.Zip(energies, (x, energy) => Math.Exp(-energy - data(x)))];
        return [.. weights.Select(weight => weight / weights.Sum())];
    }

    private static void AssertFrequencies(double[] expected, int[] free, float[] samples)
    {
        int[] counts = new int[expected.Length];
        float[][] rows = [.. samples.Chunk(5)];
        foreach (float[] row in rows)
            counts[free.Index().Sum(one => (int)row[one.Item] << one.Index)]++;
        for (int i = 0; i < counts.Length; i++)
        {
            // 4.5 standard errors: as many comparisons as there are states.
            double error = 4.5 * Math.Sqrt(expected[i] * (1 - expected[i]) / rows.Length);
            Assert.Equal(expected[i], (double)counts[i] / rows.Length, error + 1e-3);
        }
    }

    private static string Draws(Generator generator, int rows)
    {
        float[] noise = randn(2 * rows, generator: generator).data<float>().ToArray();
        // The Cholesky factor of P^-1 = ((1, -0.5), (-0.5, 2)) / 1.75.
        double a = Math.Sqrt(1 / 1.75), b = -0.5 / 1.75 / a, c = Math.Sqrt(2 / 1.75 - b * b);
        return "[" + string.Join(", ", Enumerable.Range(0, rows).Select(i => FormattableString.Invariant(
            $"[{Math.Clamp(0.5 + a * noise[2 * i], -5, 5):R}, {Math.Clamp(-0.5 + b * noise[2 * i] + c * noise[2 * i + 1], -5, 5):R}]"))) + "]";
    }

    private static int[] Bits(ReadOnlySpan<float> values) => System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(values).ToArray();

    private static float[] Values(byte[] npy) => NpyFormat.Read(npy).Values;

    private async Task<IReadOnlyDictionary<string, byte[]>> RunAsync(string model, string spec)
    {
        JobDefinition job = (await _host.AcceptAsync("restoration", model, spec)).OrThrow();
        var results = new List<BlockResult>();
        foreach (BlockPlan block in _host.Types.Plan(job.Spec).Blocks)
        {
            using IWorkload workload = _host.Workloads.Open(job, block);
            while (!workload.Advance(JobTypeHost.Budget(TimeSpan.FromMinutes(1))).Done)
            {
            }
            results.Add(new BlockResult(block, workload.Finish()));
        }
        var files = new ResultFiles();
        _host.Types.Assemble(job, results, StopReason.Completed, files);
        return files.All.ToDictionary(file => file.Name, file => file.Content);
    }
}
