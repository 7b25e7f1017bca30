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
