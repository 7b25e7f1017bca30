using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Data;
using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>PNG by Skia. Stateless and thread-safe.</summary>
public sealed class SkiaImageCodec : IImageCodec
{
    /// <inheritdoc/>
    /// <remarks>Images under 64 pixels are doubled; a picture stops at 16 megapixels, with the images that fit.</remarks>
    public byte[] EncodeGrid(TensorPayload batch, InputSchema schema, int? columns = null)
    {
        if (batch.Rows == 0)
            return [];
        batch = Visible(batch, schema.Length());
        return (schema.Kind, schema.Shape.Count) switch
        {
            (InputKind.Image, 3) when schema.Shape[0] is 1 or 3 => ImageGrid.Encode(batch, schema, columns),
            (InputKind.Vector, 1) when schema.Shape[0] == 2 => PlanePlot.RenderPoints(batch, PlaneSquare.Of(schema)),
            _ => [],
        };
    }

    /// <inheritdoc/>
    public Outcome<TensorPayload> Decode(ReadOnlySpan<byte> png, InputSchema schema)
    {
        if (schema.Kind != InputKind.Image || schema.Shape.Count != 3 || schema.Shape[0] is not (1 or 3))
            return Refuse("this model's inputs are no images, so a PNG can't be one of them",
                "send numbers: JSON arrays, a base64 tensor or .npy");
        if (!PngPixels.TryReadSize(png, out (int Width, int Height) found))
            return Refuse("not a PNG file: its signature or header is missing", "send a PNG file");

        (int channels, int height, int width) = (schema.Shape[0], schema.Shape[1], schema.Shape[2]);
        string expected = $"{width}x{height}";
        if (!PngPixels.IsWithinLimit(found))
            return Refuse($"the PNG announces {found.Width}x{found.Height} pixels, over the limit of {PngPixels.MaxPixels}",
                $"send {expected} pixels");
        if (found != (width, height))
            return Refuse($"the PNG has {found.Width}x{found.Height} pixels, the model takes {expected}",
                $"resize it to {expected} pixels");
        (byte[]? pixels, string? fault) = PngPixels.Decode(png, channels, schema.BackgroundLevel());
        if (pixels is null)
            return new Failure(FailureCode.InvalidRequest, $"the PNG file {fault}");

        var values = new float[pixels.Length];
        PixelScale.Apply(pixels, values, PixelScale.Table(schema.Min, schema.Max));
        return new TensorPayload([channels, height, width], values);
    }

    /// <summary>Rows of latent variables too begin with the visible ones.</summary>
    private static TensorPayload Visible(TensorPayload batch, int length)
    {
        if (batch.Values.Length == batch.Rows * length)
            return batch;
        return new TensorPayload([batch.Rows, length], [.. Enumerable.Range(0, batch.Rows).SelectMany(row => batch.Row(row)[..length].ToArray())]);
    }

    private static Failure Refuse(string message, string remedy) => new(FailureCode.InvalidRequest, message, remedy);
}

/// <summary>Draws gray or colour images row by row on a dark ground.</summary>
internal static class ImageGrid
{
    private const int Margin = 2;
    private const int DoubleBelow = 64;
    private const long MaxPixels = 16_000_000;
    private const byte Ground = 56;

    private readonly record struct Layout(int Columns, int Rows, int Count, int Scale, int CellWidth, int CellHeight)
    {
        internal int Width => Columns * CellWidth + Margin;

        internal int Height => Rows * CellHeight + Margin;
    }

    internal static byte[] Encode(TensorPayload batch, InputSchema schema, int? columns)
    {
        (int channels, int height, int width) = (schema.Shape[0], schema.Shape[1], schema.Shape[2]);
        Layout layout = Arrange(batch.Rows, height, width, columns);
        int bytesPerPixel = channels == 1 ? 1 : 4;
        var pixels = new byte[checked(layout.Width * layout.Height * bytesPerPixel)];
        pixels.AsSpan().Fill(Ground);
        for (int i = 0; i < layout.Count; i++)
            DrawOne(pixels, batch.Row(i), i, layout, schema);

        SKColorType type = channels == 1 ? SKColorType.Gray8 : SKColorType.Rgba8888;
        var info = new SKImageInfo(layout.Width, layout.Height, type, SKAlphaType.Opaque);
        using SKImage image = SKImage.FromPixelCopy(info, pixels);
        return image.ToPng();
    }

    internal static byte[] ToPng(this SKImage image)
    {
        using SKData png = image.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    private static Layout Arrange(int count, int height, int width, int? columns)
    {
        int across = Math.Clamp(columns ?? (int)Math.Ceiling(Math.Sqrt(count)), 1, count);
        int scale = Math.Max(height, width) < DoubleBelow && Pixels(count, height, width, 2) <= MaxPixels ? 2 : 1;
        int fitting = (int)Math.Max(1, MaxPixels / Pixels(1, height, width, scale));
        across = Math.Min(across, fitting);
        int rows = Math.Min((count + across - 1) / across, Math.Max(1, fitting / across));
        return new Layout(across, rows, Math.Min(count, rows * across), scale, width * scale + Margin, height * scale + Margin);
    }

    private static long Pixels(long count, int height, int width, int scale) =>
        count * (height * scale + Margin) * (width * scale + Margin);

    private static void DrawOne(byte[] pixels, ReadOnlySpan<float> image, int index, Layout layout, InputSchema schema)
    {
        (int channels, int height, int width) = (schema.Shape[0], schema.Shape[1], schema.Shape[2]);
        int left = Margin + index % layout.Columns * layout.CellWidth;
        int top = Margin + index / layout.Columns * layout.CellHeight;
        for (int y = 0; y < height * layout.Scale; y++)
        {
            for (int x = 0; x < width * layout.Scale; x++)
            {
                int source = y / layout.Scale * width + x / layout.Scale;
                int target = (top + y) * layout.Width + left + x;
                for (int c = 0; c < channels; c++)
                    pixels[channels == 1 ? target : 4 * target + c] = PixelScale.ToByte(
                        image[c * height * width + source], schema.Min, schema.Max);
            }
        }
    }
}
