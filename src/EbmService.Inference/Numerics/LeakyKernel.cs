using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Numerics;

/// <summary>
/// The way back through a leaky ReLU in one pass over float32 memory on a CPU, where libtorch's operators take three. Every element's
/// result depends on that
/// element alone, and is the same either way.
/// </summary>
internal static class LeakyKernel
{
    /// <summary>gradient where result is above 0, slope times gradient elsewhere; a new tensor.</summary>
    /// <param name="gradient">By the result, shaped like it.</param>
    /// <param name="result">What the leaky ReLU gave: it has the sign of what it was given.</param>
    public static Tensor Backward(Tensor gradient, Tensor result, double slope)
    {
        if (gradient.device_type != DeviceType.CPU || gradient.dtype != ScalarType.Float32 || result.numel() > int.MaxValue / sizeof(float))
            return where(result.gt(Kept(0)), gradient, gradient.mul(Kept(slope)));
        bool channelsLast = result.dim() == 4 && !result.is_contiguous();
        using Tensor map = Dense(result, channelsLast), from = Dense(gradient, channelsLast);
        Tensor target = empty_like(map);
        Compute(Floats(from), Floats(map), Floats(target), (float)slope);
        return channelsLast ? target.permute(0, 3, 1, 2) : target;
    }

    private static void Compute(ReadOnlySpan<float> gradient, ReadOnlySpan<float> result, Span<float> target, float slope)
    {
        ref float g = ref MemoryMarshal.GetReference(gradient), r = ref MemoryMarshal.GetReference(result);
        ref float t = ref MemoryMarshal.GetReference(target);
        int vectors = target.Length - target.Length % Vector512<float>.Count;
        Vector512<float> slopes = Vector512.Create(slope);
        for (nuint i = 0; i < (nuint)vectors; i += (nuint)Vector512<float>.Count)
        {
            Vector512<float> each = Vector512.LoadUnsafe(ref g, i);
            Vector512<float> isAbove = Vector512.GreaterThan(Vector512.LoadUnsafe(ref r, i), Vector512<float>.Zero);
            Vector512.ConditionalSelect(isAbove, each, each * slopes).StoreUnsafe(ref t, i);
        }
        for (int i = vectors; i < target.Length; i++)
            target[i] = result[i] > 0 ? gradient[i] : gradient[i] * slope;
    }

    /// <summary>Row-major in memory, with the channels last where that is how the map lies already.</summary>
    private static Tensor Dense(Tensor map, bool channelsLast)
    {
        if (!channelsLast)
            return map.contiguous();
        using Tensor rows = map.permute(0, 2, 3, 1);
        return rows.contiguous();
    }

    private static Span<float> Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.bytes);
}
