namespace EbmService.Core.Sampling;

/// <summary>Whether a step follows the gradient of the current point or of the noised point; the two give different chains.</summary>
public enum UpdateOrder
{
    /// <summary>x &lt;- clamp(x - a clip(grad E(x)) + s xi).</summary>
    GradientFirst,

    /// <summary>x' = x + s xi; x &lt;- clamp(x' - a clip(grad E(x'))).</summary>
    NoiseFirst,
}

public enum GradientClipKind
{
    None,

    /// <summary>Each element to [-limit, limit].</summary>
    Value,

    /// <summary>Each chain's gradient to an L2 norm of at most the limit.</summary>
    Norm,
}

/// <summary>How the energy gradient is bounded before the step.</summary>
/// <param name="Limit">Energy per unit of x; ignored for <see cref="GradientClipKind.None"/>.</param>
public sealed record GradientClip(GradientClipKind Kind = GradientClipKind.None, double Limit = 0);

public enum StateClampKind
{
    None,

    /// <summary>Each element to [min, max] after every step.</summary>
    Range,
}

/// <summary>Whether the state is kept in a box.</summary>
public sealed record StateClamp(StateClampKind Kind = StateClampKind.None, double Min = 0, double Max = 0);

public enum StepScheduleKind
{
    Constant,

    /// <summary>a_t = a (1 + t / offset)^-power (Welling and Teh 2011).</summary>
    Polynomial,

    /// <summary>a_t = a (end + (1 - end) (1 + cos(pi t / steps)) / 2).</summary>
    Cosine,
}

/// <summary>How the step size changes with the step index t.</summary>
/// <param name="Power">Polynomial decay exponent, (0, 1].</param>
/// <param name="Offset">Steps until the polynomial decay shows.</param>
/// <param name="End">Cosine's final share of the step size, [0, 1].</param>
public sealed record StepSchedule(
    StepScheduleKind Kind = StepScheduleKind.Constant, double Power = 0.55, double Offset = 10, double End = 0)
{
    /// <summary>The factor on the step size at step <paramref name="t"/> of <paramref name="steps"/>.</summary>
    public double FactorAt(int t, int steps) => Kind switch
    {
        StepScheduleKind.Polynomial => Math.Pow(1 + t / Offset, -Power),
        StepScheduleKind.Cosine => End + (1 - End) * (1 + Math.Cos(Math.PI * t / steps)) / 2,
        _ => 1,
    };
}

/// <summary>Where chains begin.</summary>
public enum ChainStart
{
    /// <summary>The model's replay buffer, with a fresh share from the base distribution.</summary>
    Buffer,

    /// <summary>Uniform over the input range.</summary>
    Base,
}
