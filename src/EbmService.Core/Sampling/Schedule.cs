namespace EbmService.Core.Sampling;

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
    /// <summary>The factor at step <paramref name="t"/> of a schedule of <paramref name="length"/> steps; later steps keep the last one's, cycles and polynomials go on.</summary>
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
