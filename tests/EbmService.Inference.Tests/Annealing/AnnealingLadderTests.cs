using EbmService.Inference.Annealing;

namespace EbmService.Inference.Tests.Annealing;

public sealed class AnnealingLadderTests
{
    [Fact]
    public void Published_AnyLength_AscendsFromNothingToTheModel()
    {
        foreach (int steps in new[] { 29, 30, 1000, 14_500 })
        {
            IReadOnlyList<double> betas = AnnealingLadder.Published(steps);

            Assert.Equal((steps + 1, 0.0, 1.0), (betas.Count, betas[0], betas[^1]));
            Assert.Equal(betas.Distinct().Order(), betas);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Create_AnyNumberOfBridges_SpreadsThemEvenlyOverThePilotsWay(int bridges)
    {
        PilotKnot[] knots = [new(0, 0, 1, 1), new(0.01, 1, 1, 0.9), new(0.1, 1, 0.1, 0.8), new(0.5, 1, 0.1, 0.8), new(1, 0.5, 0.4, 0.8)];

        AnnealingLadder sut = AnnealingLadder.Create(knots, bridges, null);

        Assert.Equal((bridges, 0.0, 1.0), (sut.Bridges, sut.Betas[0], sut.Betas[^1]));
        Assert.Equal(sut.Betas.Distinct().Order(), sut.Betas);
        double[] lengths = [.. sut.Betas.Select(beta => LengthTo(knots, beta))];
        Assert.All(lengths.Zip(lengths.Skip(1)), pair => Assert.Equal(3.5 / bridges, pair.Second - pair.First, 1e-9));
        Assert.Equal((1.0, 0.4), (sut.StepSizes[0], sut.StepSizes[^1]));
    }

    [Fact]
    public void Create_OfAGivenLadder_KeepsItAndTakesStepSizesBetweenKnots()
    {
        PilotKnot[] knots = [new(0, 0, 1, 1), new(0.5, 1, 1, 0.9), new(1, 1, 0.01, 0.8)];

        AnnealingLadder sut = AnnealingLadder.Create(knots, 3, [0, 0.25, 0.75, 1]);

        Assert.Equal([0, 0.25, 0.75, 1], sut.Betas);
        Assert.Equal([1, 1, 0.1, 0.01], sut.StepSizes, (a, b) => Math.Abs(a - b) < 1e-12);
    }

    private static double LengthTo(PilotKnot[] knots, double beta)
    {
        double length = 0;
        for (int i = 1; i < knots.Length; i++)
            length += knots[i].Length * Math.Clamp((beta - knots[i - 1].Beta) / (knots[i].Beta - knots[i - 1].Beta), 0, 1);
        return length;
    }
}
