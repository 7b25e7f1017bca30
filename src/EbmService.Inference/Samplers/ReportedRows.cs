using System.Runtime.InteropServices;
using EbmService.Inference.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Samplers;

/// <summary>Reads the rows that stand for a block's chains into host memory; on a CPU straight out of libtorch's own.</summary>
internal static class ReportedRows
{
    /// <summary>How many chains the rows stand for.</summary>
    public static int Chains(this ChainState state) => (int)(state.ReportedRows?.shape[0] ?? state.Rows);

    /// <param name="state">The chains.</param>
    /// <param name="perRow">Float32 (rows, ...) of that state.</param>
    /// <param name="target">(first chains, ...).</param>
    public static void CopyReported(this ChainState state, Tensor perRow, Span<float> target)
    {
        if (perRow.device_type != DeviceType.CPU || !perRow.is_contiguous())
        {
            using Tensor reported = state.Reported(perRow);
            reported.CopyTo(target);
            return;
        }
        Span<float> rows = MemoryMarshal.Cast<byte, float>(perRow.bytes);
        if (state.ReportedRows is not { } index)
        {
            rows[..target.Length].CopyTo(target);
            return;
        }
        int width = rows.Length / state.Rows;
        ReadOnlySpan<long> indices = MemoryMarshal.Cast<byte, long>(index.bytes);
        for (int chain = 0; chain * width < target.Length; chain++)
            rows.Slice((int)indices[chain] * width, width).CopyTo(target[(chain * width)..]);
    }

    /// <summary>(chains) bool: whether all rows of a chain, its replicas, are alive.</summary>
    public static Tensor WholeChains(this ChainState state, Tensor alive) =>
        state.ReportedRows is null ? alive.alias() : alive.view(state.Chains(), -1).all(1);

    /// <summary>Which of the first chains are alive.</summary>
    public static void CopyAlive(this ChainState state, Span<bool> target)
    {
        using DisposeScope scope = NewDisposeScope();
        MemoryMarshal.Cast<byte, bool>(state.WholeChains(state.Alive).cpu().contiguous().bytes)[..target.Length].CopyTo(target);
    }
}
