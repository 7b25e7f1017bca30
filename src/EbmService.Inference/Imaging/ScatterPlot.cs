using EbmService.Core.Models;
using EbmService.Core.Tensors;
using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>Draws 2-D points over the schema's range; points outside it are left out.</summary>
internal static class ScatterPlot
{
    private const int Side = 512;

    internal static byte[] Encode(TensorPayload batch, InputSchema schema)
    {
        var axes = new PlotAxes(new PlotRange(schema.Min, schema.Max), new PlotRange(schema.Min, schema.Max), new SKRect(56, 16, Side - 16, Side - 40));
        using SKSurface surface = SKSurface.Create(new SKImageInfo(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque));
        SKCanvas canvas = surface.Canvas;
        canvas.Clear(SKColors.White);
        axes.Draw(canvas);
        // Many points are drawn lighter, so that density shows.
        byte alpha = (byte)Math.Clamp(255 * 40 / Math.Sqrt(Math.Max(1, batch.Rows)) / 4, 60, 200);
        using var paint = new SKPaint { Color = PlotColors.Series(0).WithAlpha(alpha), IsAntialias = true };
        for (int i = 0; i < batch.Rows; i++)
        {
            ReadOnlySpan<float> point = batch.Row(i);
            if (axes.X.Contains(point[0]) && axes.Y.Contains(point[1]))
                canvas.DrawCircle(axes.ToPixel(point[0], point[1]), 2.2f, paint);
        }
        using SKImage image = surface.Snapshot();
        return image.ToPng();
    }
}
