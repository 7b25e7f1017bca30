using EbmService.Core.Sampling;
using EbmService.Inference.Checkpoints;
using EbmService.Inference.Samplers;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>The states of a block's chains at every thin-th step after the warm-up; empty where none are asked for.</summary>
internal sealed class ChainTrajectory
{
    private readonly int _thin;
    private readonly int _warmup;
    private readonly int _chains;
    private readonly int _width;
    private float[] _values;

    /// <param name="spec">The job.</param>
    /// <param name="chains">Chains of the block.</param>
    /// <param name="length">Numbers in one input.</param>
    public ChainTrajectory(SamplingSpec spec, int chains, int length)
    {
        (_thin, _warmup, _chains, _width) = (spec.Thin ?? 0, spec.Warmup, chains, chains * length);
        _values = _thin == 0 ? [] : new float[(spec.Steps - spec.Warmup) / _thin * _width];
    }

    public int Draws { get; private set; }

    /// <summary>Keeps the step just done, if it is due.</summary>
    public void Record(ChainState state)
    {
        int after = state.Step - _warmup;
        if (_thin == 0 || after <= 0 || after % _thin != 0)
            return;
        state.CopyReported(state.X, _values.AsSpan(Draws++ * _width, _width));
    }

    public void Save(Dictionary<string, SafetensorsTensor> tensors)
    {
        if (_thin > 0)
            tensors["trajectory"] = SafetensorsTensor.FromFloats(_values.AsSpan(0, Draws * _width), [Draws, _chains, _width / _chains]);
    }

    /// <exception cref="InvalidCheckpointException">The states are not of this block.</exception>
    public void Restore(SafetensorsFile file)
    {
        if (_thin == 0)
            return;
        float[] values = file["trajectory"].ToFloats();
        if (values.Length % _width != 0 || values.Length > _values.Length)
            throw new InvalidCheckpointException("the checkpoint's trajectory is not of this block");
        values.CopyTo(_values, 0);
        Draws = values.Length / _width;
    }
}
