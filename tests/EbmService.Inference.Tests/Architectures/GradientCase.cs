using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.ConvJem;
using EbmService.Inference.Architectures.Mlp;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures;

/// <summary>The same parameters twice: once fixed, once with gradients, for which the model takes autograd.</summary>
internal sealed record GradientCase(IEnergyModel ByHand, IEnergyModel ByAutograd, Tensor X) : IDisposable
{
    public static GradientCase Create(string kind, int rows, ScalarType precision)
    {
        (ArchitectureSpec architecture, InputSchema input) = Describe(kind);
        using var generator = new Generator(17UL);
        IReadOnlyDictionary<string, Tensor> parameters = EnergyModelFactory.Initialise(architecture, input, generator);
        IEnergyModel byHand = EnergyModelFactory.Frozen(architecture, parameters, precision);
        IEnergyModel byAutograd = EnergyModelFactory.Create(
            architecture, parameters.ToDictionary(pair => pair.Key, pair => pair.Value
                .to(architecture.Family().StaysFloat32(architecture, pair.Key) ? ScalarType.Float32 : precision).clone().requires_grad_(true)));
        return new GradientCase(byHand, byAutograd, randn([rows, .. input.Shape.Select(size => (long)size)], generator: generator));
    }

    public static (ArchitectureSpec Architecture, InputSchema Input) Describe(string kind) => kind switch
    {
        "blocked" => Images([new(4, 3), new(6, 4, 2)], 1, 8),
        "colours" => Images([new(8, 3), new(16, 4, 2), new(8, 3)], 3, 12),
        "four-channels" => Images([new(8, 3), new(8, 4, 2)], 4, 8),
        "odd" => Images([new(8, 3), new(40, 4, 2), new(16, 4, 2)], 1, 15),
        "strided-first" => Images([new(16, 4, 2), new(16, 4, 2)], 1, 16),
        "wide-kernel" => Images([new(6, 5, 1, 2), new(8, 3, 2)], 2, 9),
        "no-padding" => Images([new(6, 3, 1, 0), new(8, 1, 1, 0)], 1, 6),
        "large" => Images([new(16, 3), new(32, 4, 2), new(32, 3), new(64, 4, 2), new(64, 3), new(128, 4, 2)], 1, 28),
        "mlp" => (new MlpSpec([128, 128]), new(InputKind.Vector, [2], -3, 3)),
        "mlp-one-layer" => (new MlpSpec([7]), new(InputKind.Vector, [5], -3, 3)),
        "mlp-linear" => (new MlpSpec([]), new(InputKind.Vector, [3], -3, 3)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>|a - b| over |b|.</summary>
    public static double Distance(Tensor a, Tensor b) => ((a - b).norm() / b.norm()).ToDouble();

    public void Dispose()
    {
        ByHand.Dispose();
        ByAutograd.Dispose();
        X.Dispose();
    }

    private static (ArchitectureSpec, InputSchema) Images(IReadOnlyList<ConvolutionLayer> layers, int channels, int side) =>
        (new ConvJemSpec(layers, 3), new(InputKind.Image, [channels, side, side], -1, 1));
}
