using EbmService.Core.Models;
using EbmService.Inference.Architectures.Gaussian;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;
using EbmService.Inference.Tests.Architectures;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Ood;

public sealed class FittedScoresTests
{
    private const int Dimension = 6;

    private static ModelDescriptor Descriptor => new()
    {
        Name = "g", Title = "g", Architecture = EnergyCases.Describe("gaussian").Spec, Input = new InputSchema(InputKind.Vector, [Dimension], -9, 9), Labels = [],
    };

    [Fact]
    public void Whitening_OfTwoByTwo_IsTheClosedForm()
    {
        // S = [[4, 2], [2, 3]]: det 8, inverse [[3, -2], [-2, 4]] / 8.
        (float[] l, double log) = Cholesky.Whitening([4, 0, 2, 3], 2);

        Assert.Equal(Math.Log(8), log, 1e-5);
        Assert.Equal(3.0 / 8, l[0] * l[0] + l[2] * l[2], 1e-5);
        Assert.Equal(-2.0 / 8, l[2] * l[3], 1e-5);
        Assert.Equal(4.0 / 8, l[3] * l[3], 1e-5);
    }

    [Fact]
    public void Fit_OfRows_GivesTheirOwnMahalanobisDistances()
    {
        float[] rows = Normal(400, 1, scale: 3);
        var moments = new LayerMoments(Dimension, classes: 0);
        moments.Add(rows, 400);
        moments.FindComponents();
        foreach (float[] row in rows.Chunk(Dimension))
            moments.AddToClass(row, 0);
        LayerGaussian fitted = moments.Fit();

        // The mean of (x - m)' S^-1 (x - m) over the rows that m and S are of is the dimension, and no part lies outside of all components.
        LayerPoint[] points = [.. rows.Chunk(Dimension).Select(row => fitted.Place(row))];
        Assert.Equal(Dimension, points.Average(fitted.Distance), 1e-3);
        Assert.Equal(Dimension, points.Average(fitted.WholeDistance), 1e-3);
        Assert.All(points, point => Assert.InRange(point.Residual, 0, 0.01));
        // log det of 9 I, but for the sample's chance.
        Assert.InRange(fitted.LogDeterminants[0], Dimension * Math.Log(9) - 0.6, Dimension * Math.Log(9) + 0.6);
    }

    [Fact]
    public void LeadingComponents_OfAWideMatrix_AreItsEigenvectors()
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(5UL, CPU);
        (Tensor axes, _) = linalg.qr(randn([400, 400], ScalarType.Float64, CPU, generator: generator));
        // Variances that fall by a tenth each, as those of features do, above a floor of noise.
        Tensor variances = tensor(Enumerable.Range(0, 400).Select(i => Math.Pow(0.9, i) + 1e-6).ToArray());
        Tensor covariance = axes.mul(variances).mm(axes.t());

        Tensor found = LayerMoments.LeadingComponents(covariance, 64);

        // |cos| of the angle between each and the axis it should be.
        double[] cosines = found.mul(axes.narrow(1, 0, 64)).sum([0L]).abs().data<double>().ToArray();
        Assert.All(cosines, cosine => Assert.InRange(cosine, 1 - 1e-6, 1 + 1e-9));
    }

    [Theory]
    [InlineData(700, 1)]
    [InlineData(64, 64)]
    public void Moments_StoredInBetween_AreThoseOfAllRows(int before, int tile)
    {
        float[] rows = Normal(1100, 6, scale: 2);
        LayerMoments straight = new(Dimension, 1), stored = new(Dimension, 1), restored = new(Dimension, 1);
        straight.Add(rows, 1100);
        foreach (float[] part in rows[..(before * Dimension)].Chunk(tile * Dimension))
            stored.Add(part, part.Length / Dimension);
        var tensors = new Dictionary<string, SafetensorsTensor>();
        stored.AddTo(tensors, "m.");
        restored.Restore(SafetensorsFile.Read(SafetensorsFile.Write(tensors)), "m.");
        restored.Add(rows[(before * Dimension)..], 1100 - before);

        Assert.Equal(Bits(straight), Bits(restored));

        byte[] Bits(LayerMoments moments)
        {
            moments.FindComponents();
            var all = new Dictionary<string, SafetensorsTensor>();
            moments.AddTo(all, "");
            return SafetensorsFile.Write(all);
        }
    }

    [Fact]
    public void Fold_OfALongRow_KeepsInnerProductsOnAverage()
    {
        float[] a = Normal(2000, 2), b = [.. a];

        ReadOnlySpan<float> folded = Vectors.Fold(a, 1600), same = Vectors.Fold(b, 1600);

        Assert.Equal(1600, folded.Length);
        Assert.True(folded.SequenceEqual(same));
        double before = Vectors.SquaredLength(a), after = Vectors.SquaredLength(folded);
        Assert.InRange(after / before, 0.9, 1.1);
    }

    [Fact]
    public void Calibrator_OfGaussianRows_GivesValidPValuesForEveryScore()
    {
        using GaussianEnergy energy = Energy();
        float[] rows = Normal(1000, 3);
        var split = CalibrationSplit.Draw(1000, 7);
        Assert.Equal(1000, split.Fit.Concat(split.Reference).Concat(split.Calibration).Distinct().Count());
        OodCalibration calibration = Run(energy, rows, split).ToCalibration("id")!;

        float[] fresh = Normal(2000, 4);
        var scores = Score(energy, fresh, calibration);

        // 400 rows: the realised rate of 95 % of calibrations lies within 0.07 and 0.13.
        foreach (string name in calibration.Names)
        {
            double refused = scores[name].Count(value => calibration.PValue(name, value) <= 0.1) / 2000.0;
            Assert.InRange(refused, 0.06, 0.145);
        }
        Assert.Equal(
            ["approximateMass", "classDensity", "combined", "logDensity", "mahalanobis", "nearestNeighbour", "typicality", "virtualLogit"],
            calibration.Names);
        // What is far off is refused by what is fitted.
        float[] far = [.. Normal(50, 5).Select(value => value + 6)];
        var scoresOfFar = Score(energy, far, calibration);
        Assert.All(scoresOfFar["combined"], value => Assert.True(calibration.PValue("combined", value) <= 0.01));
        Assert.All(scoresOfFar["mahalanobis"], value => Assert.True(calibration.PValue("mahalanobis", value) <= 0.01));
    }

    [Fact]
    public void Calibrator_StoppedAfterAnyTile_EndsWithTheSameBits()
    {
        using GaussianEnergy energy = Energy();
        float[] rows = Normal(300, 3);
        var split = CalibrationSplit.Draw(300, 7);
        byte[] whole = Run(energy, rows, split).ToBytes();

        OodCalibrator sut = Calibrator(energy, rows, split);
        while (sut.Step < sut.Steps)
        {
            sut.Advance();
            byte[] saved = SafetensorsFile.Write(sut.Save());
            sut = Calibrator(energy, rows, split);
            sut.Restore(SafetensorsFile.Read(saved));
        }

        Assert.Equal(whole, sut.Result().ToBytes());
        Assert.Equal(whole, CalibrationContent.Read(SafetensorsFile.Read(whole)).ToBytes());
    }

    [Fact]
    public void Score_OfARow_DoesNotDependOnTheOthers()
    {
        using GaussianEnergy energy = Energy();
        OodCalibration calibration = Run(energy, Normal(300, 3), CalibrationSplit.Draw(300, 7)).ToCalibration("id")!;
        float[] rows = Normal(8, 6), others = [.. rows[..Dimension], .. Normal(7, 9)];

        Dictionary<string, float[]> among = Score(energy, rows, calibration), strangers = Score(energy, others, calibration);

        Assert.All(among, score => Assert.Equal(score.Value[0], strangers[score.Key][0]));
    }

    [Fact]
    public void TemperatureFit_OfLabelsDrawnAtATemperature_FindsIt()
    {
        const int classes = 4, rows = 20_000;
        var random = new Random(1);
        float[] logits = [.. Enumerable.Range(0, rows * classes).Select(_ => (float)(6 * random.NextDouble()))];
        float[] probabilities = TemperatureFit.Probabilities(logits, classes, 2.5);
        int[] labels = [.. Enumerable.Range(0, rows).Select(row =>
        {
            double left = random.NextDouble();
            int label = 0;
            while (label < classes - 1 && (left -= probabilities[row * classes + label]) > 0)
                label++;
            return label;
        })];

        float temperature = TemperatureFit.Fit(logits, labels, classes)!.Value;
        TemperatureReport report = TemperatureFit.Report(logits, labels, classes, temperature);

        Assert.InRange(temperature, 2.35, 2.65);
        Assert.True(report.ErrorAfter < 0.02 && report.ErrorBefore > 0.1, report.ToString());
        Assert.True(report.LikelihoodAfter < report.LikelihoodBefore);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Temperature_OfRowsWithoutALeastLikelihood_IsNone(bool allRight)
    {
        float[] logits = [.. Enumerable.Range(0, 30).SelectMany(row => new[] { row % 2 == 0 ? 3f : 0, row % 2 == 0 ? 0 : 2f })];
        int[] labels = [.. Enumerable.Range(0, 30).Select(row => allRight ? row % 2 : 1 - row % 2)];

        Assert.Null(TemperatureFit.Fit(logits, labels, 2));
    }

    [Fact]
    public void Split_SeedsThatDifferAbove31Bits_AreDifferent()
    {
        const long seed = 1, far = seed + (1L << 31);

        Assert.NotEqual(CalibrationSplit.Draw(100, seed).Fit, CalibrationSplit.Draw(100, far).Fit);
        Assert.Equal(CalibrationSplit.Draw(100, far).Fit, CalibrationSplit.Draw(100, far).Fit);
    }

    [Fact]
    public void Guarantee_OfNineteenRows_IsTheBetaDistribution()
    {
        ConformalGuarantee sut = ConformalGuarantee.Of(19, 0.05);

        // Beta(1, 19): P(X <= x) = 1 - (1 - x)^19.
        Assert.Equal(0.05, sut.Mean, 1e-12);
        Assert.Equal(1 - Math.Pow(0.05, 1 / 19.0), sut.Upper95, 1e-6);
        Assert.Equal([0.1, 0.05], ConformalGuarantee.All(19).Select(guarantee => guarantee.Alpha));
    }

    private static GaussianEnergy Energy()
    {
        double[][] identity = [.. Enumerable.Range(0, Dimension).Select(i => Enumerable.Range(0, Dimension).Select(j => i == j ? 1.0 : 0).ToArray())];
        return new GaussianEnergy(new GaussianSpec(new double[Dimension], identity));
    }

    private static OodCalibrator Calibrator(GaussianEnergy energy, float[] rows, CalibrationSplit split) => new(
        energy, Descriptor, split,
        picked => tensor([.. picked.SelectMany(row => rows[(row * Dimension)..((row + 1) * Dimension)])], [picked.Length, Dimension]), chains: false);

    private static CalibrationContent Run(GaussianEnergy energy, float[] rows, CalibrationSplit split)
    {
        OodCalibrator sut = Calibrator(energy, rows, split);
        while (sut.Step < sut.Steps)
            sut.Advance();
        return sut.Result();
    }

    private static Dictionary<string, float[]> Score(GaussianEnergy energy, float[] rows, OodCalibration calibration)
    {
        using DisposeScope scope = NewDisposeScope();
        return OodPass.Score(energy, Descriptor, tensor(rows, [rows.Length / Dimension, Dimension]), calibration, chains: false);
    }

    private static float[] Normal(int rows, int seed, double scale = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows * Dimension).Select(_ =>
            (float)(scale * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }
}
