using EbmService.Core.Models;
using EbmService.Inference.Energies;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Energies;

/// <summary>A small model of every architecture, and three inputs for it.</summary>
internal static class EnergyCases
{
    public static (IEnergyModel Model, Tensor X) Create(string kind)
    {
        (ArchitectureSpec architecture, InputSchema input) = Describe(kind);
        using var generator = new Generator(11UL);
        IEnergyModel model = EnergyModelFactory.Create(architecture, EnergyModelFactory.Initialise(architecture, input, generator));
        Tensor x = randn([3, .. input.Shape.Select(size => (long)size)], generator: generator);
        return (model, x);
    }

    public static (ArchitectureSpec Architecture, InputSchema Input) Describe(string kind) => kind switch
    {
        "conv-jem" => (new ConvolutionalJemArchitecture([new(4, 3), new(6, 4, 2)], 3), new(InputKind.Image, [1, 8, 8], -1, 1)),
        "mlp" => (new MlpArchitecture([16, 16]), new(InputKind.Vector, [2], -3, 3)),
        "gaussian" => (new GaussianArchitecture([0.5, -0.5], [[2, 0.5], [0.5, 1]]), new(InputKind.Vector, [2], -5, 5)),
        "ring" => (new RingArchitecture(2, 0.5), new(InputKind.Vector, [3], -3, 3)),
        "ising" => (new IsingArchitecture(0.3, 0.1), new(InputKind.Vector, [3, 3], 0, 1, VariableKind.Binary)),
        "potts" => (new PottsArchitecture(1, [0.3, 0, -0.2]), new(InputKind.Vector, [4, 3], 0, 1, VariableKind.Categorical)),
        "double-well" => (new DoubleWellArchitecture(2), new(InputKind.Vector, [2], -3, 3)),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}
