using System.Globalization;
using System.Runtime.InteropServices;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Inference.Formats;
using EbmService.Inference.Samplers;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>
/// The states of a block's chains at every thin-th step after the warm-up; empty where none are asked for. They go to the block's log as they come, and
/// what waits for that is all that is in memory.
/// </summary>
internal sealed class ChainTrajectory
{
    /// <summary>Bytes that wait, or one draw: large enough that waiting for the disk costs little.</summary>
    private const int MostWaiting = 4 << 20;

    /// <summary>Among the metadata of a checkpoint or result: draws in the log.</summary>
    private const string Logged = "trajectory.draws";

    private readonly IJobLogs _logs;
    private readonly string _job;
    private readonly int _block;
    private readonly int _thin;
    private readonly int _warmup;
    private readonly int _drawBytes;
    private readonly byte[] _waiting;
    private int _waitingDraws;
    private int _loggedDraws;

    /// <param name="job">With the spec of a sampling job.</param>
    /// <param name="length">Numbers in one input.</param>
    public ChainTrajectory(IJobLogs logs, JobDefinition job, BlockPlan block, int length)
    {
        var spec = (SamplingSpec)job.Spec;
        (_logs, _job, _block) = (logs, job.Id, block.Index);
        (_thin, _warmup, _drawBytes) = (spec.Thin ?? 0, spec.Warmup, block.Count * length * sizeof(float));
        int draws = _thin == 0 ? 0 : (spec.Steps - spec.Warmup) / _thin;
        _waiting = new byte[Math.Min(draws, Math.Max(1, MostWaiting / _drawBytes)) * _drawBytes];
    }

    /// <summary>How many draws a block's result says that its log holds; 0 where none were asked for.</summary>
    public static int DrawsIn(SafetensorsFile result) =>
        int.TryParse(result.Metadata.GetValueOrDefault(Logged), CultureInfo.InvariantCulture, out int draws) ? draws : 0;

    /// <summary>Keeps the step just done, if it is due.</summary>
    public void Record(ChainState state)
    {
        int after = state.Step - _warmup;
        if (_thin == 0 || after <= 0 || after % _thin != 0)
            return;
        if ((_waitingDraws + 1) * _drawBytes > _waiting.Length)
            Flush();
        state.CopyReported(state.X, MemoryMarshal.Cast<byte, float>(_waiting.AsSpan(_waitingDraws++ * _drawBytes, _drawBytes)));
    }

    /// <summary>Brings what waits to the log, and says how much is there.</summary>
    public void Save(Dictionary<string, string> metadata)
    {
        if (_thin == 0)
            return;
        Flush();
        metadata[Logged] = _loggedDraws.ToString(CultureInfo.InvariantCulture);
    }

    /// <exception cref="InvalidCheckpointException">The states are not of this block.</exception>
    public void Restore(SafetensorsFile file)
    {
        (_loggedDraws, _waitingDraws) = (DrawsIn(file), 0);
        // A version before this one kept the draws in the checkpoint.
        if (_thin == 0 || !file.Tensors.TryGetValue("trajectory", out SafetensorsTensor? draws))
            return;
        byte[] content = MemoryMarshal.AsBytes(draws.ToFloats().AsSpan()).ToArray();
        if (content.Length % _drawBytes != 0)
            throw new InvalidCheckpointException("the checkpoint's trajectory is not of this block");
        _logs.Append(_job, _block, 0, content);
        _loggedDraws = content.Length / _drawBytes;
    }

    private void Flush()
    {
        if (_waitingDraws == 0)
            return;
        _logs.Append(_job, _block, _loggedDraws * (long)_drawBytes, _waiting.AsMemory(0, _waitingDraws * _drawBytes));
        (_loggedDraws, _waitingDraws) = (_loggedDraws + _waitingDraws, 0);
    }
}
