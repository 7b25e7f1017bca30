using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Formats;

/// <summary>Between live tensors and safetensors entries.</summary>
internal static class TensorConversions
{
    /// <summary>Copies a float32, float64, int64, uint8 or bool tensor out of libtorch; bool becomes uint8.</summary>
    public static SafetensorsTensor ToSafetensors(this Tensor tensor)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor plain = tensor.detach().cpu().contiguous();
        return plain.dtype switch
        {
            ScalarType.Float32 => new(SafetensorsDtype.F32, plain.shape, plain.bytes.ToArray()),
            ScalarType.Float64 => new(SafetensorsDtype.F64, plain.shape, plain.bytes.ToArray()),
            ScalarType.Int64 => new(SafetensorsDtype.I64, plain.shape, plain.bytes.ToArray()),
            ScalarType.Byte or ScalarType.Bool => new(SafetensorsDtype.U8, plain.shape, plain.bytes.ToArray()),
            _ => throw new ArgumentException($"tensors of {plain.dtype} are not stored", nameof(tensor)),
        };
    }

    /// <summary>A float32 (from F32, F16, BF16), float64, int64 or uint8 tensor in libtorch's own memory.</summary>
    public static Tensor ToTensor(this SafetensorsTensor stored)
    {
        long[] shape = [.. stored.Shape];
        return stored.Dtype switch
        {
            SafetensorsDtype.F64 => tensor(stored.ToDoubles(), shape),
            SafetensorsDtype.I64 => tensor(stored.ToInt64(), shape),
            SafetensorsDtype.U8 => tensor(stored.ToBytes(), shape),
            _ => tensor(stored.ToFloats(), shape),
        };
    }

    /// <summary>The first elements of a float32 tensor of any device, in row-major order; those of a float64 tensor rounded.</summary>
    public static void CopyTo(this Tensor tensor, Span<float> target)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor single = tensor.dtype == ScalarType.Float32 ? tensor : tensor.to(ScalarType.Float32);
        MemoryMarshal.Cast<byte, float>(single.cpu().contiguous().bytes)[..target.Length].CopyTo(target);
    }

    /// <summary>Overwrites the first elements of a contiguous float32 CPU tensor.</summary>
    public static void CopyFrom(this Tensor tensor, ReadOnlySpan<float> source) =>
        source.CopyTo(MemoryMarshal.Cast<byte, float>(tensor.bytes));

    /// <summary>All elements of a float32 tensor of any device; those of a float64 tensor rounded.</summary>
    public static float[] ToFloats(this Tensor tensor)
    {
        var values = new float[tensor.numel()];
        tensor.CopyTo(values);
        return values;
    }
}
