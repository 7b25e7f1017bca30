using System.Buffers.Binary;
using SkiaSharp;

namespace EbmService.Inference.Imaging;

/// <summary>From PNG bytes to planar pixels; sizes are read from the header before anything is decoded.</summary>
internal static class PngPixels
{
    /// <summary>The most pixels decoded: 4 megapixels.</summary>
    internal const int MaxPixels = 4_000_000;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0d, 0x0a, 0x1a, 0x0a];

    /// <summary>Reads width and height from the IHDR chunk, which the format puts first.</summary>
    internal static bool TryReadSize(ReadOnlySpan<byte> png, out (int Width, int Height) size)
    {
        size = default;
        if (png.Length < 33 || !png[..8].SequenceEqual(Signature) || !png.Slice(12, 4).SequenceEqual("IHDR"u8))
            return false;
        int width = BinaryPrimitives.ReadInt32BigEndian(png[16..]);
        int height = BinaryPrimitives.ReadInt32BigEndian(png[20..]);
        size = (width, height);
        return BinaryPrimitives.ReadInt32BigEndian(png[8..]) == 13 && width > 0 && height > 0;
    }

    internal static bool IsWithinLimit((int Width, int Height) size) => (long)size.Width * size.Height <= MaxPixels;

    /// <summary>Decodes to (channels, height, width), alpha over black; null where the file is damaged. Check the size first.</summary>
    internal static byte[]? Decode(ReadOnlySpan<byte> png, int channels)
    {
        using SKData data = SKData.CreateCopy(png);
        using SKCodec? codec = SKCodec.Create(data);
        if (codec is null)
            return null;
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Premul);
        using var bitmap = new SKBitmap(info);
        if (codec.GetPixels(info, bitmap.GetPixels()) != SKCodecResult.Success)
            return null;
        return Planar(bitmap.GetPixelSpan(), info.Width * info.Height, channels);
    }

    private static byte[] Planar(ReadOnlySpan<byte> rgba, int pixels, int channels)
    {
        // Premultiplied colour is the colour over black.
        var planar = new byte[checked(channels * pixels)];
        for (int i = 0; i < pixels; i++)
        {
            (byte red, byte green, byte blue) = (rgba[4 * i], rgba[4 * i + 1], rgba[4 * i + 2]);
            if (channels == 1)
            {
                planar[i] = Luma(red, green, blue);
                continue;
            }
            planar[i] = red;
            planar[pixels + i] = green;
            planar[2 * pixels + i] = blue;
        }
        return planar;
    }

    // Rec. 601 in 16-bit fixed point; the weights add up to 65536, so gray stays exactly gray.
    private static byte Luma(byte red, byte green, byte blue) =>
        (byte)((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16);
}
