using EbmService.Core.Models;
using EbmService.Core.Restoration;
using EbmService.Core.Tensors;
using EbmService.Inference.JobTypes.Restoration;
using EbmService.Inference.Samplers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.JobTypes.Restoration;

/// <summary>Operators, likelihoods, errors and intervals by themselves.</summary>
public sealed class RestorationMathTests
{
    [Fact]
    public void Fit_OfTooFewNumbersForTheLevel_IsTheWholeRange()
    {
        var sut = new IntervalFit(2);
        for (int i = 0; i < 19; i++)
            sut.Add(0, 0.5f, i / 100f);

        // ceil(20 * 0.95) = 19 of 19; ceil(20 * 0.96) = 20.
        Assert.All(sut.Fit(0.95), scale => Assert.Equal(0.18 / 0.52, scale, 1e-5));
        Assert.All(sut.Fit(0.96), scale => Assert.Equal(double.PositiveInfinity, scale));
    }

    private static readonly InputSchema s_picture = new(InputKind.Image, [2, 6, 4], -1, 1);

    public static TheoryData<string, Damage> Operators => new()
    {
        { "blur 3 x 3", new Damage { Kind = DamageKind.Blur, Kernel = new TensorPayload([3, 3], [0.1f, 0.2f, 0, 0.3f, -0.1f, 0.4f, 0, 0.5f, 0.6f]), Sigma = 1 } },
        { "blur of even size", new Damage { Kind = DamageKind.Blur, Kernel = new TensorPayload([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]), Sigma = 1 } },
        { "blur as large as the picture", new Damage { Kind = DamageKind.Blur, Kernel = new TensorPayload([6, 4], [.. Enumerable.Range(1, 24).Select(i => 1f / i)]), Sigma = 1 } },
        { "downsample", new Damage { Kind = DamageKind.Downsample, Factor = 2, Sigma = 1 } },
        { "matrix", new Damage { Kind = DamageKind.Matrix, Matrix = new TensorPayload([3, 48], [.. Enumerable.Range(0, 144).Select(i => (float)Math.Sin(i))]), Sigma = 1 } },
        { "noise", new Damage { Kind = DamageKind.Noise, Sigma = 1 } },
    };

    [Theory, MemberData(nameof(Operators))]
    public void Transpose_IsTheAdjoint(string name, Damage damage)
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(3UL);
        LinearOperator sut = LinearOperator.Create(damage, s_picture);
        Tensor x = randn([2, 2, 6, 4], generator: generator), y = randn([2, .. damage.Observed(s_picture.Shape).Select(size => (long)size)], generator: generator);

        double left = Dot(sut.Apply(x), y), right = Dot(x, sut.Transpose(y));

        Assert.True(Math.Abs(left - right) < 1e-4 * Math.Max(1, Math.Abs(left)), $"{name}: {left} and {right}");
    }

    [Fact]
    public void Blur_OfAConstantPicture_SeesBlackOutside()
    {
        using DisposeScope scope = NewDisposeScope();
        var damage = new Damage { Kind = DamageKind.Blur, Kernel = new TensorPayload([1, 3], [0.25f, 0.5f, 0.25f]), Sigma = 1 };
        Tensor white = ones(1, 2, 6, 4), black = white.neg();

        Tensor seen = LinearOperator.Create(damage, s_picture).Observe(white);

        Assert.Equal([0.5f, 1, 1, 0.5f], Values(seen)[..4]);
        Assert.All(Values(LinearOperator.Create(damage, s_picture).Observe(black)), value => Assert.Equal(-1f, value));
    }

    [Fact]
    public void Terms_Gradients_AreThoseOfFiniteDifferences()
    {
        using var generator = new Generator(4UL);
        Tensor y = randn([3, 2, 6, 4], generator: generator), known = rand([2, 6, 4], generator: generator).ge(0.5).to(ScalarType.Float32);
        var blur = new Damage { Kind = DamageKind.Blur, Kernel = new TensorPayload([2, 2], [0.1f, 0.2f, 0.3f, 0.4f]), Sigma = 1 };
        IRowTerm[] terms =
        [
            new GaussianTerm(LinearOperator.Create(blur, s_picture), y.clone(), known.clone(), 0.7, 0.4),
            new SaltAndPepperTerm(y.clone(), known.expand(3, -1, -1, -1).contiguous(), 0.3, 0.6, 1.5),
            new FlipTerm(y.ge(0).to(ScalarType.Float32), 0.3, 2),
        ];
        foreach (IRowTerm term in terms)
        {
            Tensor x = randn([2, 2, 6, 4], generator: generator);
            (double[] energy, float[] gradient) = Take(term, x);
            for (int i = 0; i < 96; i += 7)
            {
                const float Step = 1e-2f;
                double[] up = Take(term, Moved(x, i, Step)).Energy, down = Take(term, Moved(x, i, -Step)).Energy;
                Assert.Equal((up[i / 48] - down[i / 48]) / (2 * Step), gradient[i], 2e-2);
            }
            Assert.Equal(2, energy.Length);
        }
    }

    [Fact]
    public void Flips_CostTheLogOdds()
    {
        using var sut = new FlipTerm(tensor(new float[] { 0, 1, 1 }, 1, 3), share: 0.2, weight: 1);

        double[] energy = Take(sut, tensor(new float[] { 1, 1, 0 }, 1, 3)).Energy;

        // Each of the two was flipped with probability 0.1.
        Assert.Equal(2 * Math.Log(0.9 / 0.1), energy[0], 1e-6);
    }

    [Fact]
    public void Psnr_IsByItsFormula()
    {
        Assert.Equal(20, ImageErrors.PsnrOf(0.04, 2), 1e-12);
        Assert.Equal(48.1308036086791, ImageErrors.PsnrOf(1, 255), 1e-10);
        Assert.Equal(ImageErrors.MaxPsnr, ImageErrors.PsnrOf(0, 2));
        Assert.Equal(1.25, ImageErrors.MeanSquareOfUnknown([0, 1, 2], [0.5f, 5, 3.5f], [0, 1, 0]), 1e-6);
    }

    [Fact]
    public void Ssim_OfConstantsAndOfEqualPictures_IsByItsFormula()
    {
        float[] dark = [.. Enumerable.Repeat(50f, 256)], light = [.. Enumerable.Repeat(100f, 256)];
        double c1 = 2.55 * 2.55;

        Assert.Equal((2 * 50 * 100 + c1) / (50 * 50 + 100 * 100 + c1), ImageErrors.SsimOf(dark, light, 1, 16, 16, 255), 1e-9);
        Assert.Equal(1, ImageErrors.SsimOf(Wave(0), Wave(0), 1, 16, 16, 2), 1e-9);
    }

    /// <summary>A figure of Wang's formula written apart, in Python with centred moments and the window as one 11 x 11 table.</summary>
    [Fact]
    public void Ssim_OfWaves_IsThatOfAnotherImplementation() =>
        Assert.Equal(SsimOfWaves, ImageErrors.SsimOf(Wave(0), Wave(0.7), 1, 16, 16, 2), 1e-6);

    private const double SsimOfWaves = 0.33923708770299854;

    [Fact]
    public void Statistics_OfEqualSamples_AreThoseBits()
    {
        float[] values = [0.1f, -0f, 3, 0.1f, -0f, 5];

        PixelStatistics sut = PixelStatistics.Of(values, items: 1, samples: 2, length: 3, level: 0.8);

        Assert.Equal([0.1f, -0f, 4], sut.Mean);
        Assert.True(float.IsNegative(sut.Mean[1]) && float.IsNegative(sut.Low[1]));
        Assert.Equal([0, 0, (float)Math.Sqrt(2)], sut.Deviation);
        Assert.Equal([3.2f, 4.8f], [sut.Low[2], sut.High[2]]);
    }

    [Fact]
    public void IntervalFit_OnExchangeableNumbers_HoldsItsLevel()
    {
        using var generator = new Generator(9UL);
        var sut = new IntervalFit(range: 2);
        float[] noise = randn(40_000, generator: generator).data<float>().ToArray();
        for (int i = 0; i < 20_000; i++)
            sut.Add(0, Deviation(i), 3 * Deviation(i) * noise[i]);

        double[] scales = sut.Fit(0.9);

        int inside = Enumerable.Range(20_000, 20_000).Count(i => Math.Abs(3 * Deviation(i) * noise[i]) <= scales[sut.GroupOf(Deviation(i))] * (Deviation(i) + sut.Floor));
        // Four standard errors of a share of 20 000.
        Assert.InRange(inside / 20_000.0, 0.9 - 0.0085, 0.9 + 0.0085);
        // The samples' deviations are a third of what they should be: 3 x 1.645 of a deviation.
        Assert.Equal(4.93 * 0.8 / (0.8 + 0.02), scales[sut.GroupOf(0.8f)], 0.15);

        static float Deviation(int i) => i % 2 == 0 ? 0.8f : 0.2f;
    }

    [Theory]
    [InlineData(PictureSide.Left, 1, 1, 0, 0)]
    [InlineData(PictureSide.Right, 0, 0, 1, 1)]
    public void Missing_OfAHalf_IsThatHalf(PictureSide side, int a, int b, int c, int d)
    {
        bool[] missing = new Damage { Kind = DamageKind.Half, Side = side }.Missing([1, 2, 4]);

        Assert.Equal([a == 1, b == 1, c == 1, d == 1, a == 1, b == 1, c == 1, d == 1], missing);
    }

    [Fact]
    public void Missing_OfBoxes_CoversAllChannels()
    {
        bool[] missing = new Damage { Kind = DamageKind.Box, Boxes = [new DamageBox(1, 0, 1, 2)] }.Missing([2, 2, 3]);

        Assert.Equal([3, 4, 9, 10], missing.Index().Where(one => one.Item).Select(one => one.Index));
    }

    private static float[] Wave(double phase) => [.. Enumerable.Range(0, 256).Select(i => (float)Math.Sin(i / 16 * 0.9 + i % 16 * 0.5 + phase))];

    private static double Dot(Tensor left, Tensor right) => left.mul(right).sum(ScalarType.Float64).ToDouble();

    private static float[] Values(Tensor tensor) => tensor.contiguous().data<float>().ToArray();

    private static Tensor Moved(Tensor x, int index, float by)
    {
        Tensor moved = x.clone();
        moved.view(-1)[index] += by;
        return moved;
    }

    private static (double[] Energy, float[] Gradient) Take(IRowTerm term, Tensor x)
    {
        Tensor energy = zeros(x.shape[0], dtype: ScalarType.Float64), gradient = zeros_like(x);
        term.Add(0, x, energy, gradient);
        return (energy.data<double>().ToArray(), Values(gradient));
    }
}
