using EbmService.Inference.Assessment;

namespace EbmService.Inference.Tests.Assessment;

public sealed class OodBootstrapTests
{
    [Fact]
    public void Whole_WithTiesAndNaN_IsTheMetricsOfTheSets()
    {
        var random = new Random(1);
        for (int i = 0; i < 20; i++)
        {
            float[] inside = Draw(random, 37 + i, 1), outside = Draw(random, 23 + i, 0);
            outside[0] = float.NaN;

            Assert.Equal(Rounded(OodMetrics.Compute(inside, outside)), Rounded(new OodBootstrap(inside, outside).Whole()));
        }
    }

    [Fact]
    public void Intervals_OfManyDraws_HoldTheTruthAboutAsOftenAsTheySay()
    {
        // Uniform on 0 to 1 against uniform on -0.5 to 0.5: an AUROC of 7 / 8.
        var random = new Random(2);
        int held = 0;
        for (int i = 0; i < 100; i++)
        {
            float[] inside = [.. Enumerable.Range(0, 80).Select(_ => (float)random.NextDouble())];
            float[] outside = [.. Enumerable.Range(0, 80).Select(_ => (float)random.NextDouble() - 0.5f)];
            Interval interval = new OodBootstrap(inside, outside).Intervals(200, 1)["auroc"];
            held += interval.Low <= 0.875 && interval.High >= 0.875 ? 1 : 0;
        }
        Assert.InRange(held, 85, 100);
    }

    [Fact]
    public void UniformTest_OfUniformAndSkewedPValues_TellsThemApart()
    {
        double[] uniform = [.. Enumerable.Range(1, 1000).Select(i => i / 1000.0)];

        UniformTest sound = UniformTest.Of(uniform, 999), skewed = UniformTest.Of([.. uniform.Select(p => Math.Ceiling(p * p * 1000) / 1000)], 999);

        Assert.InRange(sound.Distance, 0, 0.0011);
        Assert.Equal(1, sound.PValue);
        // p^2 <= t with probability sqrt(t): at most 1 / 4 above t.
        Assert.Equal(0.25, skewed.Distance, 2e-3);
        Assert.True(skewed.PValue < 1e-10);
    }

    [Fact]
    public void ShareInterval_OfNoneInTen_IsTheClosedForm()
    {
        Interval sut = UniformTest.ShareInterval(0, 10);

        Assert.Equal(0, sut.Low);
        Assert.Equal(1 - Math.Pow(0.025, 0.1), sut.High, 1e-6);
    }

    private static float[] Draw(Random random, int count, int shift) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.Next(12) + 3 * shift))];

    private static OodMetrics Rounded(OodMetrics metrics) => new()
    {
        Auroc = Math.Round(metrics.Auroc, 12), AuprIn = Math.Round(metrics.AuprIn, 12), AuprOut = Math.Round(metrics.AuprOut, 12),
        FprAtIdTpr95 = Math.Round(metrics.FprAtIdTpr95, 12), FprAtOodTpr95 = Math.Round(metrics.FprAtOodTpr95, 12),
    };
}
