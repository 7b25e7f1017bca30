using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using static TorchSharp.torch;

namespace EbmService.Inference.Numerics;

/// <summary>
/// SiLU and its derivative in one pass over dense float32 or bfloat16 memory on a CPU: libtorch takes the exponential twice, once each way,
/// and that was a tenth of a step in float32, a fifth in bfloat16. Every element's result depends on that element alone.
/// </summary>
internal static class SiluKernel
{
    private const uint HighHalf = 0xFFFF0000;

    /// <summary>x sigmoid(x), new and shaped alike; <paramref name="x"/>, dense, is overwritten by the derivative.</summary>
    public static Tensor Activate(Tensor x)
    {
        Tensor activation = empty_like(x);
        ForEachChunk(x, activation, static (bytes, other, isFloat) =>
        {
            if (isFloat)
                ActivateFloats(MemoryMarshal.Cast<byte, float>(bytes), MemoryMarshal.Cast<byte, float>(other));
            else
                ActivateHalves(MemoryMarshal.Cast<byte, ushort>(bytes), MemoryMarshal.Cast<byte, ushort>(other));
        });
        return activation;
    }

    /// <summary>x sigmoid(x) in place of <paramref name="x"/>, dense; to the bit what <see cref="Activate"/> gives.</summary>
    public static void Replace(Tensor x) => ForEachChunk(x, x, static (bytes, _, isFloat) =>
    {
        if (isFloat)
            ReplaceFloats(MemoryMarshal.Cast<byte, float>(bytes));
        else
            ReplaceHalves(MemoryMarshal.Cast<byte, ushort>(bytes));
    });

    /// <summary>Multiplies <paramref name="x"/> by <paramref name="factor"/>, both dense and shaped alike.</summary>
    public static void Multiply(Tensor x, Tensor factor)
    {
        if (x.dtype == ScalarType.Float32)
            x.mul_(factor);
        else
            ForEachChunk(x, factor, static (bytes, other, _) => MultiplyHalves(MemoryMarshal.Cast<byte, ushort>(bytes), MemoryMarshal.Cast<byte, ushort>(other)));
    }

    private delegate void Pass(Span<byte> x, Span<byte> other, bool isFloat);

    /// <summary>A span holds 2 GiB at most.</summary>
    private static void ForEachChunk(Tensor x, Tensor other, Pass pass)
    {
        if (x.NumberOfElements * x.ElementSize <= int.MaxValue)
        {
            pass(x.bytes, other.bytes, x.dtype == ScalarType.Float32);
            return;
        }
        long half = x.shape[0] / 2;
        foreach ((long start, long length) in new[] { (0, half), (half, x.shape[0] - half) })
        {
            using Tensor part = x.narrow(0, start, length), otherPart = other.narrow(0, start, length);
            ForEachChunk(part, otherPart, pass);
        }
    }

    private static void ActivateFloats(Span<float> x, Span<float> activation)
    {
        int vectors = x.Length - x.Length % Vector512<float>.Count;
        ref float point = ref MemoryMarshal.GetReference(x), result = ref MemoryMarshal.GetReference(activation);
        for (nuint i = 0; i < (nuint)vectors; i += (nuint)Vector512<float>.Count)
        {
            (Vector512<float> value, Vector512<float> slope) = Silu(Vector512.LoadUnsafe(ref point, i));
            value.StoreUnsafe(ref result, i);
            slope.StoreUnsafe(ref point, i);
        }
        for (int i = vectors; i < x.Length; i++)
        {
            (Vector512<float> value, Vector512<float> slope) = Silu(Vector512.Create(x[i]));
            (activation[i], x[i]) = (value[0], slope[0]);
        }
    }

    private static void ActivateHalves(Span<ushort> x, Span<ushort> activation)
    {
        int vectors = x.Length - x.Length % Vector512<ushort>.Count;
        ref ushort point = ref MemoryMarshal.GetReference(x), result = ref MemoryMarshal.GetReference(activation);
        for (nuint i = 0; i < (nuint)vectors; i += (nuint)Vector512<ushort>.Count)
        {
            Vector512<uint> pairs = Vector512.LoadUnsafe(ref point, i).AsUInt32();
            (Vector512<float> evenValue, Vector512<float> evenSlope) = Silu(Vector512.ShiftLeft(pairs, 16).AsSingle());
            (Vector512<float> oddValue, Vector512<float> oddSlope) = Silu((pairs & Vector512.Create(HighHalf)).AsSingle());
            Pack(evenValue, oddValue).StoreUnsafe(ref result, i);
            Pack(evenSlope, oddSlope).StoreUnsafe(ref point, i);
        }
        for (int i = vectors; i < x.Length; i++)
        {
            (Vector512<float> value, Vector512<float> slope) = Silu(Vector512.Create((uint)x[i] << 16).AsSingle());
            (activation[i], x[i]) = (Pack(value, value)[0], Pack(slope, slope)[0]);
        }
    }

    private static void ReplaceFloats(Span<float> x)
    {
        int vectors = x.Length - x.Length % Vector512<float>.Count;
        ref float point = ref MemoryMarshal.GetReference(x);
        for (nuint i = 0; i < (nuint)vectors; i += (nuint)Vector512<float>.Count)
            Silu(Vector512.LoadUnsafe(ref point, i)).Value.StoreUnsafe(ref point, i);
        for (int i = vectors; i < x.Length; i++)
            x[i] = Silu(Vector512.Create(x[i])).Value[0];
    }

    private static void ReplaceHalves(Span<ushort> x)
    {
        int vectors = x.Length - x.Length % Vector512<ushort>.Count;
        ref ushort point = ref MemoryMarshal.GetReference(x);
        for (nuint i = 0; i < (nuint)vectors; i += (nuint)Vector512<ushort>.Count)
        {
            Vector512<uint> pairs = Vector512.LoadUnsafe(ref point, i).AsUInt32();
            Vector512<float> even = Silu(Vector512.ShiftLeft(pairs, 16).AsSingle()).Value;
            Pack(even, Silu((pairs & Vector512.Create(HighHalf)).AsSingle()).Value).StoreUnsafe(ref point, i);
        }
        for (int i = vectors; i < x.Length; i++)
        {
            Vector512<float> value = Silu(Vector512.Create((uint)x[i] << 16).AsSingle()).Value;
            x[i] = Pack(value, value)[0];
        }
    }

    private static void MultiplyHalves(Span<ushort> x, Span<ushort> factor)
    {
        int vectors = x.Length - x.Length % Vector512<ushort>.Count;
        ref ushort left = ref MemoryMarshal.GetReference(x), right = ref MemoryMarshal.GetReference(factor);
        for (nuint i = 0; i < (nuint)vectors; i += (nuint)Vector512<ushort>.Count)
            Product(Vector512.LoadUnsafe(ref left, i).AsUInt32(), Vector512.LoadUnsafe(ref right, i).AsUInt32()).StoreUnsafe(ref left, i);
        for (int i = vectors; i < x.Length; i++)
            x[i] = Product(Vector512.Create((uint)x[i]), Vector512.Create((uint)factor[i]))[0];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Product(Vector512<uint> left, Vector512<uint> right) => Pack(
        Vector512.ShiftLeft(left, 16).AsSingle() * Vector512.ShiftLeft(right, 16).AsSingle(),
        (left & Vector512.Create(HighHalf)).AsSingle() * (right & Vector512.Create(HighHalf)).AsSingle());

    /// <summary>Rounds to nearest even, as libtorch, and interleaves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Pack(Vector512<float> even, Vector512<float> odd) =>
        (Vector512.ShiftRightLogical(Rounded(even), 16) | (Rounded(odd) & Vector512.Create(HighHalf))).AsUInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Rounded(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        return bits + Vector512.Create(0x7FFFu) + (Vector512.ShiftRightLogical(bits, 16) & Vector512<uint>.One);
    }

    /// <summary>s = sigmoid(x): the value x s and the slope s + x s (1 - s).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> Value, Vector512<float> Slope) Silu(Vector512<float> x)
    {
        Vector512<float> s = Vector512<float>.One / (Vector512<float>.One + Power2(x * Vector512.Create(-1.44269504f)));
        Vector512<float> value = x * s;
        return (value, Vector512.FusedMultiplyAdd(value, Vector512<float>.One - s, s));
    }

    /// <summary>2^t, t held to [-126, 126]: a Taylor polynomial within half of the nearest integer, relative error 2e-7.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Power2(Vector512<float> t)
    {
        t = Vector512.MinNative(Vector512.MaxNative(t, Vector512.Create(-126f)), Vector512.Create(126f));
        Vector512<float> whole = Vector512.Round(t), rest = t - whole;
        Vector512<float> power = Vector512.Create(1.5403530e-4f);
        power = Vector512.FusedMultiplyAdd(power, rest, Vector512.Create(1.3333558e-3f));
        power = Vector512.FusedMultiplyAdd(power, rest, Vector512.Create(9.6181291e-3f));
        power = Vector512.FusedMultiplyAdd(power, rest, Vector512.Create(5.5504109e-2f));
        power = Vector512.FusedMultiplyAdd(power, rest, Vector512.Create(2.4022651e-1f));
        power = Vector512.FusedMultiplyAdd(power, rest, Vector512.Create(6.9314718e-1f));
        power = Vector512.FusedMultiplyAdd(power, rest, Vector512<float>.One);
        return (power.AsInt32() + Vector512.ShiftLeft(Vector512.ConvertToInt32Native(whole), 23)).AsSingle();
    }
}
