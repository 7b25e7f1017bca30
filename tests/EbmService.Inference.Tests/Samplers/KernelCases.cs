using EbmService.Core.Sampling;
using EbmService.Inference.Energies;
using EbmService.Inference.Samplers;
using EbmService.Inference.Tests.Tasks;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>Every continuous kernel and its variants. A new kernel gets a line here and in <see cref="Spec"/>.</summary>
internal static class KernelCases
{
    public const int Steps = 30;

    public static TheoryData<string> Continuous =>
    [
        "sgld", "sgld-noise-first", "sgld-value-clip", "sgld-norm-clip", "sgld-clamp", "sgld-polynomial", "sgld-cosine", "sgld-temperature",
        "sgld-schedules", "ula", "psgld", "psgld-clamp", "mala", "mala-clamp", "mala-warmup", "hmc", "hmc-clamp", "hmc-warmup",
        "underdamped", "underdamped-clamp",
    ];

    public static IKernel Create(string name, IEnergyModel model) => KernelFactory.Create(Spec(name), model);

    public static SamplingSpec Spec(string name) => Clamped(name, name.Split('-')[0] switch
    {
        "sgld" => Sgld(name),
        "ula" => Temperate(SamplingKernel.Ula),
        "psgld" => Temperate(SamplingKernel.PreconditionedSgld) with { Preconditioner = new(0.9) },
        "mala" => Temperate(SamplingKernel.Mala) with { Mala = new(), Warmup = name.EndsWith("warmup", StringComparison.Ordinal) ? 20 : 0 },
        "hmc" => Temperate(SamplingKernel.Hmc) with { Hmc = new(3), Warmup = name.EndsWith("warmup", StringComparison.Ordinal) ? 24 : 0 },
        "underdamped" => Temperate(SamplingKernel.Underdamped) with { Underdamped = new(2) },
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    });

    /// <summary>A kernel at temperature 1.</summary>
    public static SamplingSpec Temperate(SamplingKernel kernel, double stepSize = 0.1, int warmup = 0) =>
        SamplingSpecs.Create(5, Steps, 5) with { Kernel = kernel, StepSize = stepSize, Noise = null, Temperature = 1, Warmup = warmup };

    private static SamplingSpec Clamped(string name, SamplingSpec spec) =>
        name.EndsWith("-clamp", StringComparison.Ordinal) ? spec with { StateClamp = new(StateClampKind.Range, -1, 1) } : spec;

    private static SamplingSpec Sgld(string name)
    {
        SamplingSpec plain = SamplingSpecs.Create(5, Steps, 5);
        return name switch
        {
            "sgld-noise-first" => plain with { Order = UpdateOrder.NoiseFirst },
            "sgld-value-clip" => plain with { GradientClip = new(GradientClipKind.Value, 0.05) },
            "sgld-norm-clip" => plain with { GradientClip = new(GradientClipKind.Norm, 0.05) },
            "sgld-polynomial" => plain with { Schedule = new(ScheduleKind.Polynomial, Power: 0.5, Offset: 5) },
            "sgld-cosine" => plain with { Schedule = new(ScheduleKind.Cosine, End: 0.1) },
            "sgld-temperature" => plain with { Noise = null, Temperature = 0.5 },
            "sgld-schedules" => plain with { NoiseSchedule = new(ScheduleKind.Annealed, Start: 2, End: 0.5), Schedule = new(ScheduleKind.Cyclical, Cycles: 3) },
            _ => plain,
        };
    }
}
