using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

public sealed class NormalQuantileTests
{
    // scipy.stats.norm.ppf (scipy 1.10.1), over all three ranges of the algorithm.
    [Theory]
    [InlineData(0.5, 0.0)]
    [InlineData(0.6, 0.2533471031357997)]
    [InlineData(0.0749, -1.4402382675279635)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.999, 3.090232306167813)]
    [InlineData(1e-5, -4.264890793922825)]
    [InlineData(1e-10, -6.361340902404056)]
    [InlineData(1e-20, -9.262340089798409)]
    [InlineData(1e-300, -37.0470962993612)]
    public void Of_Probability_EqualsScipy(double probability, double expected) =>
        Assert.Equal(expected, NormalQuantile.Of(probability), 1e-15 * Math.Max(1, Math.Abs(expected)));

    [Fact]
    public void Of_Complement_IsTheOpposite()
    {
        for (int i = 1; i < 512; i++)
            Assert.Equal(-NormalQuantile.Of(i / 1024.0), NormalQuantile.Of(1 - i / 1024.0));
    }
}
