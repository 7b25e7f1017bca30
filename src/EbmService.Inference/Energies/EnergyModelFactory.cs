using EbmService.Core.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.Energies;

/// <summary>Builds energies from their description. A new architecture is one class and one line in each method here.</summary>
public static class EnergyModelFactory
{
    /// <summary>Names and shapes of the trained parameters; empty for closed formulas.</summary>
    public static IReadOnlyDictionary<string, long[]> ParameterShapes(ArchitectureSpec architecture, InputSchema input) =>
        architecture switch
        {
            ConvolutionalJemArchitecture jem => ConvolutionalJemEnergy.ParameterShapes(jem, input.Shape),
            MlpArchitecture mlp => MlpEnergy.ParameterShapes(mlp, input.Length()),
            _ => new Dictionary<string, long[]>(),
        };

    /// <param name="architecture">What to build.</param>
    /// <param name="parameters">Float32 tensors by name, owned by the model from now on; ignored by closed formulas.</param>
    /// <param name="device">Where closed formulas put their constants; null for the CPU.</param>
    public static IEnergyModel Create(
        ArchitectureSpec architecture, IReadOnlyDictionary<string, Tensor> parameters, Device? device = null) =>
        architecture switch
        {
            ConvolutionalJemArchitecture jem => new ConvolutionalJemEnergy(jem, parameters),
            MlpArchitecture mlp => new MlpEnergy(mlp, parameters),
            GaussianArchitecture gaussian => new GaussianEnergy(gaussian, device),
            DoubleWellArchitecture well => new DoubleWellEnergy(well),
            RingArchitecture ring => new RingEnergy(ring),
            IsingArchitecture ising => new IsingEnergy(ising),
            PottsArchitecture potts => new PottsEnergy(potts, device),
            _ => throw new ArgumentOutOfRangeException(nameof(architecture), architecture, "not a known architecture"),
        };

    /// <summary>
    /// The same model without gradients for the parameters, for the chains of a training run: over the same memory in float32,
    /// a copy in another precision, which <see cref="Refresh"/> brings up to date.
    /// </summary>
    public static IEnergyModel Frozen(
        ArchitectureSpec architecture, IReadOnlyDictionary<string, Tensor> parameters, ScalarType precision = ScalarType.Float32) =>
        Create(architecture, parameters.ToDictionary(
            pair => pair.Key, pair => pair.Value.detach().to(precision).DetachFromDisposeScope()));

    /// <summary>Copies trained parameters into a frozen model of lower precision, and brings up to date what the model derived from them.</summary>
    public static void Refresh(IEnergyModel frozen, IReadOnlyDictionary<string, Tensor> parameters)
    {
        using IDisposable noGradient = no_grad();
        foreach ((string name, Tensor parameter) in parameters)
        {
            if (frozen.Parameters[name].dtype != parameter.dtype)
                frozen.Parameters[name].copy_(parameter);
        }
        (frozen as EnergyModel)?.RefreshCopies();
    }

    /// <summary>Fresh parameters, uniform in +-1/sqrt(fan-in) as PyTorch's layers, from an explicit generator.</summary>
    public static IReadOnlyDictionary<string, Tensor> Initialise(
        ArchitectureSpec architecture, InputSchema input, Generator generator)
    {
        IReadOnlyDictionary<string, long[]> shapes = ParameterShapes(architecture, input);
        var parameters = new Dictionary<string, Tensor>();
        foreach ((string name, long[] shape) in shapes)
        {
            long[] weight = shapes[name.Replace(".bias", ".weight", StringComparison.Ordinal)];
            double bound = 1 / Math.Sqrt(weight.Skip(1).Aggregate(1L, (product, size) => product * size));
            parameters[name] = empty(shape).uniform_(-bound, bound, generator).DetachFromDisposeScope();
        }
        return parameters;
    }
}
