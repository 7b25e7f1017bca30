using EbmService.Core.Tensors;
using EbmService.Inference.Assessment;
using EbmService.Inference.Training;

namespace EbmService.Inference.Tests.Assessment;

public sealed class SampleDistancesTests
{
    private static readonly TensorPayload Triangle = new([3, 2], [0, 0, 3, 4, 6, 8]);

    [Fact]
    public void MeanWithin_ThreePoints_AveragesThePairs() => Assert.Equal((5 + 5 + 10) / 3.0, SampleDistances.MeanWithin(Triangle), 5);

    [Fact]
    public void Nearest_EachRow_FindsItsClosest() =>
        Assert.Equal([1f, 4f, 9f], SampleDistances.Nearest(Triangle, new TensorPayload([2, 2], [0, -1, 3, 0])).Select(distance => MathF.Round(distance)));

    [Fact]
    public void EnergyDistance_ShiftedPoints_IsPositiveAndOfOneSetAlmostZero()
    {
        TensorPayload one = Moons(1), other = Moons(2);
        TensorPayload shifted = other with { Values = [.. other.Values.Select(value => value + 1)] };

        Assert.InRange(SampleDistances.EnergyDistance(one, other), -0.02, 0.02);
        Assert.InRange(SampleDistances.EnergyDistance(one, shifted), 0.5, 2);
    }

    [Fact]
    public void ArcDistances_NoiselessRows_LieOnTheirArc()
    {
        TensorPayload rows = Moons(1, noise: 0);

        for (int i = 0; i < rows.Rows; i++)
        {
            (double upper, double lower) = VectorSampleAssessment.ArcDistances(rows.Row(i)[0], rows.Row(i)[1]);
            Assert.InRange(i % 2 == 0 ? upper : lower, 0, 1e-5);
            Assert.InRange(i % 2 == 0 ? lower : upper, 0.1, 2.5);
        }
    }

    private static TensorPayload Moons(int seed, double noise = 0.1)
    {
        var data = new TwoMoonsData(500, noise, seed);
        var values = new float[2 * data.Count];
        for (int i = 0; i < data.Count; i++)
            data.CopyRow(i, values.AsSpan(2 * i, 2));
        return new TensorPayload([data.Count, 2], values);
    }
}
