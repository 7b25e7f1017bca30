using EbmService.Core.Models;

namespace EbmService.Core.Sampling;

/// <summary>
/// Everything that must be explicit to reproduce a chain: steps, step size, noise (or temperature), order, clip, clamp,
/// schedule and start. The stationary temperature without clips is T = s^2 / (2a).
/// </summary>
public sealed record SgldRecipe
{
    public int Steps { get; init; } = 100;

    /// <value>a: multiplies the gradient of the energy.</value>
    public required double StepSize { get; init; }

    /// <value>s: standard deviation of the noise per step. Exactly one of noise and temperature is set.</value>
    public double? Noise { get; init; }

    /// <value>T: noise follows the step size as sqrt(2 a_t T).</value>
    public double? Temperature { get; init; }

    public UpdateOrder Order { get; init; }

    public GradientClip GradientClip { get; init; } = new();

    public StateClamp StateClamp { get; init; } = new();

    /// <value>On the step size.</value>
    public Schedule Schedule { get; init; } = new();

    /// <value>On the noise; only where the noise is given, as a temperature makes its own.</value>
    public Schedule NoiseSchedule { get; init; } = new();

    /// <value>On the temperature, where one is given.</value>
    public Schedule TemperatureSchedule { get; init; } = new();

    public ChainStart Start { get; init; } = ChainStart.Base;

    /// <value>The share of buffer starts that is drawn anew from the base distribution, [0, 1].</value>
    public double FreshShare { get; init; } = 0.05;

    /// <summary>The step size at step <paramref name="t"/> of schedules that are <paramref name="steps"/> long.</summary>
    public double StepSizeAt(int t, int steps) => StepSize * Schedule.FactorAt(t, steps);

    /// <summary>The noise at step <paramref name="t"/>.</summary>
    public double NoiseAt(int t, int steps) => TemperatureAt(t, steps) is { } temperature
        ? Math.Sqrt(2 * StepSizeAt(t, steps) * temperature)
        : (Noise ?? 0) * NoiseSchedule.FactorAt(t, steps);

    /// <summary>The temperature at step <paramref name="t"/>; null where the recipe gives a noise instead.</summary>
    public double? TemperatureAt(int t, int steps) => Temperature * TemperatureSchedule.FactorAt(t, steps);

    /// <summary>T = s^2 / (2a) at step <paramref name="t"/>: what the chain samples, when nothing is clipped.</summary>
    public double ImpliedTemperatureAt(int t, int steps)
    {
        double noise = NoiseAt(t, steps);
        return noise * noise / (2 * StepSizeAt(t, steps));
    }
}

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

/// <summary>The shape of a schedule; t counts steps from 0, H is the schedule's length.</summary>
public enum ScheduleKind
{
    /// <summary>1.</summary>
    Constant,

    /// <summary>(1 + t / offset)^-power (Welling and Teh 2011).</summary>
    Polynomial,

    /// <summary>end + (1 - end) (1 + cos(pi t / H)) / 2.</summary>
    Cosine,

    /// <summary>Geometric from start to end: start (end / start)^(t / (H - 1)); simulated annealing of a temperature.</summary>
    Annealed,

    /// <summary>The cosine anew in each of so many cycles of ceil(H / cycles) steps (Zhang et al. 2020).</summary>
    Cyclical,
}

/// <summary>A factor on the step size, the noise or the temperature as a function of the step.</summary>
/// <param name="Power">Polynomial decay exponent, (0, 1].</param>
/// <param name="Offset">Steps until the polynomial decay shows.</param>
/// <param name="End">The final share: [0, 1] for cosine and cyclical, above 0 for annealed.</param>
/// <param name="Start">Annealed's first factor, above 0.</param>
/// <param name="Cycles">Cyclical's number of cycles, at least 1.</param>
public sealed record Schedule(
    ScheduleKind Kind = ScheduleKind.Constant, double Power = 0.55, double Offset = 10, double End = 0, double Start = 1, int Cycles = 4)
{
    /// <summary>
    /// The factor at step <paramref name="t"/> of a schedule of <paramref name="length"/> steps; later steps keep the
    /// last one's, cycles and polynomials go on.
    /// </summary>
    public double FactorAt(int t, int length) => Kind switch
    {
        ScheduleKind.Polynomial => Math.Pow(1 + t / Offset, -Power),
        ScheduleKind.Cosine => Cosine((double)Math.Min(t, length - 1) / length),
        ScheduleKind.Annealed => Start * Math.Pow(End / Start, length < 2 ? 0 : (double)Math.Min(t, length - 1) / (length - 1)),
        ScheduleKind.Cyclical => Cosine((double)(t % CycleLength(length)) / CycleLength(length)),
        _ => 1,
    };

    /// <summary>The steps at which the factor is largest or smallest.</summary>
    internal IEnumerable<int> ExtremeSteps(int length) => Kind == ScheduleKind.Cyclical ? [0, CycleLength(length) - 1] : [0, length - 1];

    private int CycleLength(int length) => Math.Max(1, (length + Cycles - 1) / Cycles);

    private double Cosine(double share) => End + (1 - End) * (1 + Math.Cos(Math.PI * share)) / 2;
}

/// <summary>The published recipes, by name. A model's own recipes come first.</summary>
public static class SgldRecipes
{
    public const string Langevin = "langevin";

    /// <summary>The recipe of that name, the model's own or a built-in one; null where there is neither.</summary>
    public static SgldRecipe? Find(ModelDescriptor model, string name) => model.Recipes.GetValueOrDefault(name) ?? BuiltIn.GetValueOrDefault(name);

    /// <value>
    /// jem: Grathwohl et al. 2020; igebm: Du and Mordatch 2019; improved-cd: Du et al. 2021; short-mnist: common MNIST
    /// practice; langevin: the model at T = 1.
    /// </value>
    public static IReadOnlyDictionary<string, SgldRecipe> BuiltIn { get; } = new Dictionary<string, SgldRecipe>
    {
        ["jem"] = new() { Steps = 20, StepSize = 1, Noise = 0.01, Start = ChainStart.Buffer, FreshShare = 0.05 },
        ["igebm"] = new()
        {
            Steps = 60, StepSize = 10, Noise = 0.005, Order = UpdateOrder.NoiseFirst, Start = ChainStart.Buffer,
            GradientClip = new(GradientClipKind.Value, 0.01), StateClamp = new(StateClampKind.Range, 0, 1), FreshShare = 0.05,
        },
        ["improved-cd"] = new()
        {
            Steps = 40, StepSize = 100, Noise = 0.001, Order = UpdateOrder.NoiseFirst, Start = ChainStart.Buffer,
            StateClamp = new(StateClampKind.Range, 0, 1), FreshShare = 0.001,
        },
        ["short-mnist"] = new()
        {
            Steps = 60, StepSize = 10, Noise = 0.005, Order = UpdateOrder.NoiseFirst, Start = ChainStart.Buffer,
            GradientClip = new(GradientClipKind.Value, 0.03), StateClamp = new(StateClampKind.Range, -1, 1), FreshShare = 0.05,
        },
        [Langevin] = new() { Steps = 1000, StepSize = 0.01, Temperature = 1 },
    };
}
