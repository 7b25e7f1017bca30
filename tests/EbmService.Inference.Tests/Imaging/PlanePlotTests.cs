using EbmService.Core.Tensors;
using EbmService.Inference.Imaging;
using SkiaSharp;

namespace EbmService.Inference.Tests.Imaging;

public sealed class PlanePlotTests
{
    // The frame of 480 pixels begins at (60, 56); the square is [-1, 1]^2, so that 0 lies at (300, 296).
    private static readonly PlaneSquare Square = new(-1, -1, 2);

    [Fact]
    public void RenderEnergy_WithOverlay_ShowsPointsWithinTheSquare()
    {
        var overlay = new PlaneOverlay(
            new TensorPayload([2, 2], [0, 0, 9, 9]), new TensorPayload([3, 1, 2], [0.5f, 0, 0.5f, 0.5f, -0.5f, 0.5f]));

        using SKBitmap before = TestPng.Decode(PlanePlot.RenderEnergy("e", Square, new float[16 * 16], 16));
        using SKBitmap after = TestPng.Decode(PlanePlot.RenderEnergy("e", Square, new float[16 * 16], 16, overlay));

        Assert.NotEqual(before.GetPixel(300, 296), after.GetPixel(300, 296));
        // On the path's way from (0.5, 0.5) to (-0.5, 0.5), and off it.
        Assert.Contains(Enumerable.Range(170, 12), y => before.GetPixel(300, y) != after.GetPixel(300, y));
        Assert.Equal(before.GetPixel(300, 440), after.GetPixel(300, 440));
        Assert.Equal(before.GetPixel(535, 60), after.GetPixel(535, 60));
    }

    // Energies 0, 0.5, ... 7 from the top row down, and one that is not finite: a step of colour per unit, the last of all for what is not.
    [Fact]
    public void RenderEnergy_Levels_StepOncePerUnitUpToTen()
    {
        float[] energies = [.. Enumerable.Range(0, 16).SelectMany(row => Enumerable.Repeat(row == 15 ? float.NaN : 0.5f * row, 16))];

        using SKBitmap picture = TestPng.Decode(PlanePlot.RenderEnergy("e", Square, energies, 16));

        SKColor[] rows = [.. Enumerable.Range(0, 16).Select(row => picture.GetPixel(300, 56 + 15 + 30 * row))];
        Assert.Equal(new SKColor(68, 1, 84), rows[0]);
        Assert.All(Enumerable.Range(0, 7), pair => Assert.Equal(rows[2 * pair], rows[2 * pair + 1]));
        Assert.Equal(9, rows.Distinct().Count());
        Assert.Equal((rows[14], true), (rows[14], rows[15] != rows[14]));
    }

    [Fact]
    public void RenderPoints_InsideAndOutside_ShowsThoseInside()
    {
        using SKBitmap none = TestPng.Decode(PlanePlot.RenderPoints(new TensorPayload([1, 2], [5, 5]), Square));
        using SKBitmap one = TestPng.Decode(PlanePlot.RenderPoints(new TensorPayload([1, 2], [0, 0]), Square));

        Assert.Equal((512, 512), (one.Width, one.Height));
        Assert.NotEqual(none.GetPixel(60 + 218, 24 + 218), one.GetPixel(60 + 218, 24 + 218));
        Assert.InRange(none.Pixels.Zip(one.Pixels).Count(pair => pair.First != pair.Second), 8, 40);
    }
}
