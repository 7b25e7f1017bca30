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

/// <summary>Where chains begin.</summary>
public enum ChainStart
{
    /// <summary>The model's replay buffer, with a fresh share from the base distribution.</summary>
    Buffer,

    /// <summary>Uniform over the input range; for binary and categorical variables uniform over their values.</summary>
    Base,

    /// <summary>Points sent with the request, dealt to the chains in turn.</summary>
    Data,

    /// <summary>The final states of another job, dealt to the chains in turn.</summary>
    Job,
}
