using EbmService.Core.Sampling;

namespace EbmService.Core.Tests.Sampling;

public sealed class ScheduleTests
{
    [Fact]
    public void FactorAt_Constant_IsOne() => Assert.Equal([1, 1, 1], Factors(new Schedule(), 10, 0, 5, 99));

    [Fact]
    public void FactorAt_Polynomial_Decays() =>
        Assert.Equal([1, 0.5, 0.25], Factors(new Schedule(ScheduleKind.Polynomial, Power: 1, Offset: 10), 100, 0, 10, 30));

    [Fact]
    public void FactorAt_Cosine_GoesFromOneAlmostToItsEndAndStays()
    {
        double[] factors = [.. Factors(new Schedule(ScheduleKind.Cosine, End: 0.2), 100, 0, 50, 99, 100, 500)];

        // The last of 100 steps has (1 + cos(0.99 pi)) / 2 = 0.00025 of the way left, and so have all after it: never a step of zero.
        Assert.Equal([1, 0.6], factors[..2]);
        Assert.All(factors[2..], factor => Assert.Equal(0.2 + 0.8 * (1 + Math.Cos(0.99 * Math.PI)) / 2, factor, 1e-12));
        Assert.True(new Schedule(ScheduleKind.Cosine).FactorAt(500, 100) > 0);
    }

    [Fact]
    public void FactorAt_Annealed_IsGeometricBetweenItsEnds() =>
        Assert.Equal([16, 4, 1, 1], Factors(new Schedule(ScheduleKind.Annealed, Start: 16, End: 1), 101, 0, 50, 100, 5000));

    [Fact]
    public void FactorAt_AnnealedOfOneStep_IsItsStart() =>
        Assert.Equal([3], Factors(new Schedule(ScheduleKind.Annealed, Start: 3, End: 1), 1, 0));

    [Fact]
    public void FactorAt_Cyclical_BeginsAnewInEveryCycleAndAfterTheEnd()
    {
        var sut = new Schedule(ScheduleKind.Cyclical, End: 0, Cycles: 4);

        // 100 steps in 4 cycles of 25; a job that was extended goes on with cycles.
        Assert.Equal([1, 1, 1, 1, 1], Factors(sut, 100, 0, 25, 50, 75, 100));
        Assert.Equal(Factors(sut, 100, 0, 7, 13, 24), Factors(sut, 100, 50, 57, 63, 74));
        Assert.Equal([Math.Round((1 + Math.Cos(Math.PI * 0.4)) / 2, 12)], Factors(sut, 100, 10));
    }

    [Fact]
    public void FactorAt_CyclicalThatDoesNotDivide_RoundsItsCyclesUp() =>
        Assert.Equal([1, 0.25, 1, 1], Factors(new Schedule(ScheduleKind.Cyclical, End: 0, Cycles: 4), 10, 0, 2, 3, 9));

    [Fact]
    public void Recipe_Schedules_MoveStepNoiseAndTemperatureApart()
    {
        var noisy = new SgldRecipe
        {
            StepSize = 2, Noise = 0.5, NoiseSchedule = new(ScheduleKind.Annealed, Start: 4, End: 1),
            Schedule = new(ScheduleKind.Polynomial, Power: 1, Offset: 100),
        };
        var warm = new SgldRecipe { StepSize = 2, Temperature = 1, TemperatureSchedule = new(ScheduleKind.Annealed, Start: 9, End: 1) };

        Assert.Equal([2.0, 1, 2, 0.5],
            new[] { noisy.StepSizeAt(0, 101), noisy.StepSizeAt(100, 101), noisy.NoiseAt(0, 101), noisy.NoiseAt(100, 101) });
        Assert.Equal(3, warm.TemperatureAt(50, 101)!.Value, 1e-12);
        Assert.Equal(Math.Sqrt(2 * 2 * 9), warm.NoiseAt(0, 101), 1e-12);
        Assert.Null(noisy.TemperatureAt(0, 101));
    }

    private static double[] Factors(Schedule sut, int length, params int[] steps) =>
        [.. steps.Select(step => Math.Round(sut.FactorAt(step, length), 12))];
}
