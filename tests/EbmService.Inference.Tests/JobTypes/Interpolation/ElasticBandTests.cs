using EbmService.Inference.JobTypes.Interpolation;

namespace EbmService.Inference.Tests.JobTypes.Interpolation;

/// <summary>Bands on surfaces whose paths of least energy are known.</summary>
public sealed class ElasticBandTests
{
    private const int Points = 15;

    [Theory]
    [InlineData(true, 1e-6)]
    [InlineData(false, 0.05)]
    public void Step_DoubleWell_FindsTheSaddle(bool climbs, double tolerance)
    {
        // E = 2 (x^2 - 1)^2 + 3 (y - x^2 + 1)^2: wells at (-1, 0) and (1, 0), the saddle at (0, -1) with E = 2; straight between them E is 5.
        ElasticBand sut = Band(-1, 0, 1, 0, 0.01);

        double[] energies = Run(sut, (x, y) => 2 * Sq(x * x - 1) + 3 * Sq(y - x * x + 1), 3000, climbs);

        Assert.Equal(2, energies.Max(), tolerance);
        Assert.True(sut.Residual < 0.02, $"residual {sut.Residual}");
        int highest = Array.IndexOf(energies, energies.Max());
        Assert.Equal(0, sut.Positions[2 * highest], 0.01);
        Assert.Equal(-1, sut.Positions[2 * highest + 1], 0.01);
    }

    [Fact]
    public void Step_Ring_FollowsIt()
    {
        // E = 10 (r - 1)^2: from (1, 0) to (-1, 0.0) the straight path goes through the hill at the origin (E = 10).
        ElasticBand sut = Band(1, 0, Math.Cos(3), Math.Sin(3), 0.005);

        double[] energies = Run(sut, (x, y) => 10 * Sq(Math.Sqrt(x * x + y * y) - 1), 4000);

        Assert.True(energies.Max() < 0.01, $"highest {energies.Max()}");
        double[] gaps = [.. Enumerable.Range(1, Points - 1).Select(point => ElasticBand.Distance(sut.Positions.AsSpan(2 * point - 2, 2), sut.Positions.AsSpan(2 * point, 2)))];
        Assert.True(gaps.Max() / gaps.Min() < 1.1, "springs keep the points apart");
    }

    [Fact]
    public void Step_Range_IsNeverLeft()
    {
        var sut = new ElasticBand(Straight(0, 0, 1, 0), Points, 1, 0.1, (0, 1));

        Run(sut, (x, y) => 5 * y + 0 * x, 50);

        Assert.All(sut.Positions, value => Assert.InRange(value, 0, 1));
    }

    [Fact]
    public void Step_ClimbingUphill_HasNoSaddleToGoTo()
    {
        // E = x + y^2 only rises: nothing climbs, and the straight path is the one of least energy.
        ElasticBand sut = Band(0, 0, 1, 0, 0.01);

        double[] energies = Run(sut, (x, y) => x + y * y, 500, climbs: true);

        Assert.Equal(1, energies.Max(), 1e-9);
        Assert.All(Enumerable.Range(0, Points), point => Assert.Equal(0, sut.Positions[2 * point + 1], 1e-6));
    }

    [Fact]
    public void State_RestoredInTheMiddle_GoesOnToTheSameBits()
    {
        Func<double, double, double> energy = (x, y) => 2 * Sq(x * x - 1) + 3 * Sq(y - x * x + 1);
        ElasticBand whole = Band(-1, 0, 1, 0, 0.01), first = Band(-1, 0, 1, 0, 0.01);
        Run(whole, energy, 40);
        Run(first, energy, 17);
        ElasticBand second = Band(-1, 0, 1, 0, 0.01);
        first.Positions.CopyTo(second.Positions, 0);
        second.State = first.State;
        Run(second, energy, 23);

        Assert.Equal(whole.Positions, second.Positions);
    }

    private static ElasticBand Band(double x, double y, double toX, double toY, double stepSize) =>
        new(Straight(x, y, toX, toY), Points, 0.1 / stepSize, Math.Sqrt(stepSize), null);

    private static double[] Straight(double x, double y, double toX, double toY) => [.. Enumerable.Range(0, Points).SelectMany(point =>
    {
        double share = (double)point / (Points - 1);
        return new[] { x + share * (toX - x), y + share * (toY - y) };
    })];

    /// <summary>Gradients by central differences.</summary>
    private static double[] Run(ElasticBand band, Func<double, double, double> energy, int steps, bool climbs = false)
    {
        const double h = 1e-5;
        double[] energies = Energies();
        for (int step = 0; step < steps; step++)
        {
            float[] gradients = [.. Enumerable.Range(0, Points).SelectMany(point =>
            {
                (double x, double y) = (band.Positions[2 * point], band.Positions[2 * point + 1]);
                return new[] { (float)((energy(x + h, y) - energy(x - h, y)) / (2 * h)), (float)((energy(x, y + h) - energy(x, y - h)) / (2 * h)) };
            })];
            band.Step(energies, gradients, climbs);
            energies = Energies();
        }
        return energies;

        double[] Energies() => [.. Enumerable.Range(0, Points).Select(point => energy(band.Positions[2 * point], band.Positions[2 * point + 1]))];
    }

    private static double Sq(double value) => value * value;
}
