using EbmService.Inference.Formats;
using EbmService.Inference.Samplers;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>
/// Energy and gradient norm of every chain of a block from its first step on, at most 256 points: when the room is full every other point goes
/// and the interval doubles, so that a job of more steps begins with the same points.
/// </summary>
internal sealed class ChainTrace(int chains)
{
    private const int MaxPoints = 256;
    private readonly List<float[]> _energy = [];
    private readonly List<float[]> _gradientNorm = [];
    private readonly List<long> _steps = [];

    public int Interval { get; private set; } = 1;

    /// <value>Points recorded so far.</value>
    public int Points => _steps.Count;

    /// <summary>Records the step just done, if it is due.</summary>
    public void Record(ChainState state)
    {
        int step = state.Step - 1;
        if (step % Interval != 0)
            return;
        if (Points == MaxPoints)
        {
            Thin();
            if (step % Interval != 0)
                return;
        }
        Add(state, step);
    }

    /// <summary>As <see cref="Save"/>, with the latest step as a last point where it is none anyway.</summary>
    public void SaveClosed(Dictionary<string, SafetensorsTensor> tensors, ChainState state)
    {
        bool open = state.Step > 0 && (Points == 0 || _steps[^1] != state.Step - 1);
        if (open)
            Add(state, state.Step - 1);
        Save(tensors);
        if (open)
            RemoveAt(Points - 1);
    }

    public void Save(Dictionary<string, SafetensorsTensor> tensors)
    {
        long[] shape = [Points, chains];
        tensors["trace.energy"] = SafetensorsTensor.FromFloats(_energy.SelectMany(row => row).ToArray(), shape);
        tensors["trace.gradientNorm"] = SafetensorsTensor.FromFloats(_gradientNorm.SelectMany(row => row).ToArray(), shape);
        tensors["trace.steps"] = SafetensorsTensor.FromInt64(_steps.ToArray(), [Points]);
    }

    public void Restore(SafetensorsFile file)
    {
        _energy.Clear();
        _gradientNorm.Clear();
        _steps.Clear();
        _energy.AddRange(file["trace.energy"].ToFloats().Chunk(chains));
        _gradientNorm.AddRange(file["trace.gradientNorm"].ToFloats().Chunk(chains));
        _steps.AddRange(file["trace.steps"].ToInt64());
        if (_steps.Count != _energy.Count || _steps.Count != _gradientNorm.Count || _steps.Count > MaxPoints)
            throw new InvalidCheckpointException("the checkpoint's trace is not of this block");
        Interval = _steps.Count > 1 ? (int)_steps[1] : 1;
    }

    private void Add(ChainState state, int step)
    {
        _energy.Add(new float[chains]);
        _gradientNorm.Add(new float[chains]);
        state.CopyReported(state.Energy, _energy[^1]);
        state.CopyReported(state.GradientNorm, _gradientNorm[^1]);
        _steps.Add(step);
    }

    private void Thin()
    {
        for (int i = Points - 1; i > 0; i -= 2)
            RemoveAt(i);
        Interval *= 2;
    }

    private void RemoveAt(int point)
    {
        _energy.RemoveAt(point);
        _gradientNorm.RemoveAt(point);
        _steps.RemoveAt(point);
    }
}
