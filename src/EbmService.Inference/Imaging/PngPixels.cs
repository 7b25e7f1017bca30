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

    /// <summary>Decodes to (channels, height, width). Check the size first.</summary>
    /// <param name="background">The level that transparent pixels lie over; null where nothing says so: then they are a fault.</param>
    /// <returns>The levels, or what is wrong with the file in words.</returns>
    internal static (byte[]? Pixels, string? Fault) Decode(ReadOnlySpan<byte> png, int channels, byte? background)
    {
        const string Damaged = "is damaged: save it again";
        using SKData data = SKData.CreateCopy(png);
        using SKCodec? codec = SKCodec.Create(data);
        if (codec is null)
            return (null, Damaged);
        if (codec.EncodedOrigin != SKEncodedOrigin.TopLeft)
            return (null, "says in its metadata that it is to be turned: save it as it is to be seen");
        var info = new SKImageInfo(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        using var bitmap = new SKBitmap(info);
        if (codec.GetPixels(info, bitmap.GetPixels()) != SKCodecResult.Success)
            return (null, Damaged);
        ReadOnlySpan<byte> rgba = bitmap.GetPixelSpan();
        int pixels = info.Width * info.Height;
        return background is null && HasTransparency(rgba)
            ? (null, "has transparent pixels, and nothing says what lies behind them: flatten it onto a background")
            : (Planar(rgba, pixels, channels, background ?? 0), null);
    }

    private static bool HasTransparency(ReadOnlySpan<byte> rgba)
    {
        for (int i = 3; i < rgba.Length; i += 4)
        {
            if (rgba[i] != byte.MaxValue)
                return true;
        }
        return false;
    }

    private static byte[] Planar(ReadOnlySpan<byte> rgba, int pixels, int channels, byte background)
    {
        var planar = new byte[checked(channels * pixels)];
        for (int i = 0; i < pixels; i++)
        {
            ReadOnlySpan<byte> pixel = rgba.Slice(4 * i, 4);
            byte alpha = pixel[3];
            (byte red, byte green, byte blue) =
                (Over(pixel[0], alpha, background), Over(pixel[1], alpha, background), Over(pixel[2], alpha, background));
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

    private static byte Over(byte level, byte alpha, byte background) =>
        alpha == byte.MaxValue ? level : (byte)((level * alpha + background * (255 - alpha) + 127) / 255);

    // Rec. 601 in 16-bit fixed point; the weights add up to 65536, so gray stays exactly gray.
    private static byte Luma(byte red, byte green, byte blue) =>
        (byte)((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16);
}
