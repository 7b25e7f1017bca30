using EbmService.Core.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>Builds energies of any registered family.</summary>
public static class EnergyModelFactory
{
    /// <summary>Names and shapes of the trained parameters; empty for closed formulas.</summary>
    public static IReadOnlyDictionary<string, long[]> ParameterShapes(ArchitectureSpec spec, InputSchema input) =>
        spec.Family().Shapes(spec, input).Parameters;

    /// <param name="spec">What to build.</param>
    /// <param name="parameters">Float32 tensors by name, owned by the model from now on; ignored by closed formulas.</param>
    /// <param name="device">Where closed formulas put their constants; null for the CPU.</param>
    public static IEnergyModel Create(ArchitectureSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device? device = null) =>
        spec.Family().Create(spec, parameters, device ?? CPU);

    /// <summary>The network of a module file, for families that take one.</summary>
    /// <param name="module">The file's bytes, code that the operator has allowed.</param>
    /// <exception cref="Models.InvalidModelException">
    /// It is no network that the spec describes, or can't compute in the precision.
    /// </exception>
    public static IEnergyModel Load(ArchitectureSpec spec, InputSchema input, byte[] module, ScalarType precision, Device device) =>
        spec.Family().Load(spec, input, module, precision, device);

    /// <summary>
    /// The same model without gradients for the parameters, for the chains of a training run: over the same memory in float32,
    /// a copy in another precision (but for the layer that makes the energy), which <see cref="Refresh"/> brings up to date.
    /// </summary>
    public static IEnergyModel Frozen(
        ArchitectureSpec spec, IReadOnlyDictionary<string, Tensor> parameters, ScalarType precision = ScalarType.Float32) =>
        Create(spec, parameters.ToDictionary(pair => pair.Key, pair => pair.Value.detach()
            .to(spec.Family().StaysFloat32(spec, pair.Key) ? ScalarType.Float32 : precision).DetachFromDisposeScope()));

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

    /// <summary>Fresh parameters from an explicit generator.</summary>
    public static IReadOnlyDictionary<string, Tensor> Initialise(ArchitectureSpec spec, InputSchema input, Generator generator) =>
        spec.Family().Initialise(spec, input, generator);
}
