namespace EbmService.Inference.Data;

/// <summary>Between bytes (0 to 255) and a model's range: linear, both ends exact.</summary>
internal static class PixelScale
{
    /// <summary>The value of each of the 256 bytes.</summary>
    internal static float[] Table(double min, double max)
    {
        var table = new float[256];
        for (int i = 0; i < table.Length; i++)
            table[i] = (float)(min + (max - min) * i / 255);
        return table;
    }

    internal static void Apply(ReadOnlySpan<byte> pixels, Span<float> values, float[] table)
    {
        for (int i = 0; i < pixels.Length; i++)
            values[i] = table[pixels[i]];
    }

    /// <summary>The nearest byte; values outside the range are clamped, NaN becomes 0.</summary>
    internal static byte ToByte(float value, double min, double max)
    {
        double scaled = (value - min) / (max - min) * 255;
        return double.IsNaN(scaled) ? (byte)0 : (byte)Math.Round(Math.Clamp(scaled, 0, 255), MidpointRounding.AwayFromZero);
    }
}
