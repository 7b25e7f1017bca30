using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Architectures;
using EbmService.Inference.Samplers;
using EbmService.Inference.Tests.Architectures;
using EbmService.Inference.Tests.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Samplers;

/// <summary>Every kernel and its variants. A new kernel gets a line here and in <see cref="Spec"/>.</summary>
internal static class KernelCases
{
    public const int Steps = 30;

    public static TheoryData<string> Continuous =>
    [
        "sgld", "sgld-noise-first", "sgld-value-clip", "sgld-norm-clip", "sgld-clamp", "sgld-polynomial", "sgld-cosine", "sgld-temperature",
        "sgld-schedules", "ula", "psgld", "psgld-clamp", "mala", "mala-clamp", "mala-warmup", "hmc", "hmc-clamp", "hmc-warmup",
        "underdamped", "underdamped-clamp", "tempered-ula", "tempered-psgld", "tempered-mala", "tempered-mala-clamp", "tempered-hmc-warmup",
        "tempered-underdamped",
    ];

    /// <summary>Kernels of binary and categorical variables.</summary>
    public static TheoryData<string> Discrete => 
    [
        "gwg-binary", "gwg-categorical", "gibbs", "gibbs-rbm", "gibbs-dbm", "tempered-gwg-binary", "tempered-gwg-categorical", "tempered-gibbs", "tempered-gibbs-rbm",
        "tempered-gibbs-rbm-labels", "tempered-gibbs-dbm",
    ];

    public static TheoryData<string> All => [.. Continuous.Select(row => row.Data), .. Discrete.Select(row => row.Data)];

    public static IKernel Create(string name, IEnergyModel model) => KernelFactory.Create(Spec(name), model, Variables(name));

    /// <summary>One that takes its gradients of so many rows at a time.</summary>
    public static IKernel Create(string name, IEnergyModel model, int rows) => KernelFactory.Create(Spec(name), new GradientPass(model, rows), Variables(name));

    /// <summary>A small target, and a start in it, for chains of any kernel.</summary>
    public static (IEnergyModel Model, Func<ChainStartPoints> Start) Problem(string name) => Machine(name) is { } machine
        ? (EnergyCases.Create(machine).Model, () => new ChainStartPoints(ones(6, EnergyCases.Example(machine).Input.Length())))
        : Variables(name) switch
    {
        VariableKind.Binary => (EnergyCases.Create("ising").Model, () => new ChainStartPoints(ones(6, 3, 3))),
        VariableKind.Categorical => (EnergyCases.Create("potts").Model, () => new ChainStartPoints(
            tensor([.. Enumerable.Repeat(new[] { 0f, 1, 0 }, 24).SelectMany(one => one)], [6, 4, 3]))),
        _ => (ChainRunner.Quadratic(1, 2), () => new ChainStartPoints(full([6, 2], 0.5f))),
    };

    /// <summary>The Boltzmann machine that a case is of.</summary>
    private static string? Machine(string name) => name switch
    {
        _ when name.EndsWith("gibbs-rbm", StringComparison.Ordinal) => "rbm/binary",
        _ when name.EndsWith("gibbs-rbm-labels", StringComparison.Ordinal) => "rbm/labels",
        _ when name.EndsWith("gibbs-dbm", StringComparison.Ordinal) => "dbm/two-layers",
        _ => null,
    };

    private static VariableKind Variables(string name) =>
        name.Contains("gwg-categorical", StringComparison.Ordinal) ? VariableKind.Categorical
        : name.Contains("gwg", StringComparison.Ordinal) || name.Contains("gibbs", StringComparison.Ordinal) ? VariableKind.Binary
        : VariableKind.Continuous;

    public static SamplingSpec Spec(string name) => Clamped(name, name.Split('-')[0] switch
    {
        "tempered" => Spec(name["tempered-".Length..]) with { Tempering = new([1, 2, 4]) },
        "gwg" => Temperate(SamplingKernel.GibbsWithGradients),
        "gibbs" => Temperate(SamplingKernel.BlockedGibbs),
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
