using TorchSharp;

namespace EbmService.Inference.Devices;

/// <summary>
/// Numbers on their way into libtorch. TorchSharp's implicit conversion makes an object that nobody holds during the native call:
/// a collection at that moment frees the number under libtorch's hands, and the operator fails or, worse, computes with another
/// number. Seen once in some minutes of many small steps on a crowded machine. So the conversions are banned, and the latest
/// numbers of each thread are held here.
/// </summary>
internal static class Scalars
{
    /// <summary>More than any one call takes.</summary>
    private const int Held = 64;

    [ThreadStatic]
    private static Scalar?[]? t_held;

    [ThreadStatic]
    private static int t_next;

    /// <summary>The number for the call that it is written in, and no longer: it is freed some calls later.</summary>
    public static Scalar Kept(double value) => Hold(value.ToScalar());

    /// <inheritdoc cref="Kept(double)"/>
    public static Scalar Kept(float value) => Hold(value.ToScalar());

    /// <inheritdoc cref="Kept(double)"/>
    public static Scalar Kept(int value) => Hold(value.ToScalar());

    /// <inheritdoc cref="Kept(double)"/>
    public static Scalar Kept(long value) => Hold(value.ToScalar());

    private static Scalar Hold(Scalar scalar)
    {
        Scalar?[] held = t_held ??= new Scalar?[Held];
        t_next = (t_next + 1) % Held;
        held[t_next]?.Dispose();
        return held[t_next] = scalar;
    }
}
