using EbmService.Inference.Checkpoints;
using EbmService.Inference.Samplers;

namespace EbmService.Inference.Tasks;

/// <summary>Energy and gradient norm of every chain of a block at regular steps; at most about 200 points.</summary>
internal sealed class ChainTrace
{
    private const int MaxPoints = 200;
    private readonly int _chains;
    private readonly int _steps;

    public ChainTrace(int chains, int steps)
    {
        (_chains, _steps) = (chains, steps);
        Interval = (steps + MaxPoints - 1) / MaxPoints;
        // The first step of each interval, and the last step.
        int points = (steps - 1) / Interval + 1 + ((steps - 1) % Interval == 0 ? 0 : 1);
        Energy = new float[points * chains];
        GradientNorm = new float[points * chains];
        Steps = new long[points];
    }

    public int Interval { get; }

    /// <value>Points recorded so far.</value>
    public int Points { get; private set; }

    /// <value>(points, chains): E before the step.</value>
    public float[] Energy { get; }

    public float[] GradientNorm { get; }

    /// <value>The 0-based step of each point.</value>
    public long[] Steps { get; }

    /// <summary>Records the step just done, if it is due.</summary>
    public void Record(ChainState state)
    {
        int step = state.Step - 1;
        if (step % Interval != 0 && step != _steps - 1)
            return;
        state.Energy.CopyTo(Energy.AsSpan(Points * _chains, _chains));
        state.GradientNorm.CopyTo(GradientNorm.AsSpan(Points * _chains, _chains));
        Steps[Points++] = step;
    }

    public void Save(Dictionary<string, SafetensorsTensor> tensors)
    {
        long[] shape = [Points, _chains];
        tensors["trace.energy"] = SafetensorsTensor.FromFloats(Energy.AsSpan(0, Points * _chains), shape);
        tensors["trace.gradientNorm"] = SafetensorsTensor.FromFloats(GradientNorm.AsSpan(0, Points * _chains), shape);
        tensors["trace.steps"] = SafetensorsTensor.FromInt64(Steps.AsSpan(0, Points), [Points]);
    }

    public void Restore(SafetensorsFile file)
    {
        file["trace.energy"].ToFloats().CopyTo(Energy, 0);
        file["trace.gradientNorm"].ToFloats().CopyTo(GradientNorm, 0);
        long[] steps = file["trace.steps"].ToInt64();
        steps.CopyTo(Steps, 0);
        Points = steps.Length;
    }
}
