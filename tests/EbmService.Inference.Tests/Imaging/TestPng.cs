using System.Buffers.Binary;
using SkiaSharp;

namespace EbmService.Inference.Tests.Imaging;

/// <summary>Makes PNG files for tests.</summary>
internal static class TestPng
{
    /// <summary>Encodes pixels given by colour functions of (x, y).</summary>
    internal static byte[] Encode(int width, int height, Func<int, int, SKColor> colour)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
                bitmap.SetPixel(x, y, colour(x, y));
        }
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>A few bytes whose header announces a picture of this size.</summary>
    internal static byte[] Announcing(int width, int height)
    {
        byte[] png = Encode(1, 1, (_, _) => SKColors.White);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), width);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), height);
        return png;
    }

    internal static SKBitmap Decode(byte[] png) => SKBitmap.Decode(png);
}
