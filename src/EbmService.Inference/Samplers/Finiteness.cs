using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>
/// Whether tensors hold finite numbers only, asked of libtorch's own memory: a dozen small operators per step cost more than the step of a small model.
/// </summary>
internal static class Finiteness
{
    /// <summary>Which energies (rows) float64 are finite. One that float32 can't hold counts as infinite: nobody could be told.</summary>
    public static Tensor IsSound(this Tensor energies) => energies.abs().le(Kept(float.MaxValue));

    /// <summary>Whether <see cref="IsSound"/> of all; false where memory of that kind can't be looked at from here: then rows are judged one by one on the device.</summary>
    public static bool AllSound(this Tensor energies)
    {
        if (energies.device_type != DeviceType.CPU || !energies.is_contiguous())
            return false;
        foreach (double energy in MemoryMarshal.Cast<byte, double>(energies.bytes))
        {
            if (!(Math.Abs(energy) <= float.MaxValue))
                return false;
        }
        return true;
    }

    /// <summary>Of float32; false as above.</summary>
    public static bool AllFinite(this Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
            return false;
        ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(tensor.bytes);
        ReadOnlySpan<Vector<float>> wide = MemoryMarshal.Cast<float, Vector<float>>(values);
        // Zero times anything finite is zero; times infinity or NaN it is NaN, and stays so in a sum.
        Vector<float> zeros = Vector<float>.Zero;
        foreach (Vector<float> several in wide)
            zeros += several * Vector<float>.Zero;
        float zero = Vector.Sum(zeros);
        foreach (float value in values[(wide.Length * Vector<float>.Count)..])
            zero += value * 0;
        return zero == 0;
    }

    /// <summary>Whether no row is frozen; false as above.</summary>
    public static bool AllTrue(this Tensor flags) =>
        flags.device_type == DeviceType.CPU && flags.is_contiguous() && !flags.bytes.Contains((byte)0);
}
