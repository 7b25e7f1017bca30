using EbmService.Core.Models;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>What training minimises over a family's parameters.</summary>
public enum TrainingObjective
{
    /// <summary>The family has no parameters.</summary>
    None,

    /// <summary>mean E(data) - mean E(samples), samples from the model by chains, and cross-entropy on the logits where there are classes.</summary>
    MaximumLikelihood,
}

/// <summary>A small model of a family, for tests and documentation.</summary>
/// <param name="Name">What is particular about it.</param>
public sealed record ArchitectureExample(string Name, ArchitectureSpec Spec, InputSchema Input);

/// <summary>
/// A model family: everything that the rest of the system must know about it. A new one is a folder beside this file and a line in
/// <see cref="ArchitectureRegistry"/>. Implementations have no state.
/// </summary>
public interface IArchitecture
{
    /// <value>The name in <c>model.json</c>.</value>
    string Kind { get; }

    /// <value>The type of the family's spec.</value>
    Type SpecType { get; }

    TrainingObjective Objective { get; }

    /// <value>Small models, one at least.</value>
    IReadOnlyList<ArchitectureExample> Examples { get; }

    /// <value>
    /// Whether a version holds the network itself, as code in <c>model.pt</c>, in place of weights for a network of the family's own.
    /// </value>
    bool TakesModule { get; }

    /// <summary>The facts that rules ask for. The input is checked already.</summary>
    ModelCapabilities Capabilities(ArchitectureSpec spec, InputSchema input);

    /// <summary>What is wrong with the spec or its input, every fault; the input itself is checked already.</summary>
    IEnumerable<string> Faults(ArchitectureSpec spec, InputSchema input);

    /// <summary>Names and shapes of the parameters, and the size of one input's way through the layers, before anything is allocated.</summary>
    /// <exception cref="Models.InvalidModelException">A layer has no size or doesn't fit its input.</exception>
    /// <exception cref="OverflowException">Sizes overflow.</exception>
    ArchitectureShapes Shapes(ArchitectureSpec spec, InputSchema input);

    /// <summary>Whether a parameter stays float32 in a model of lower precision, as those of the layer that makes the energy do.</summary>
    bool StaysFloat32(ArchitectureSpec spec, string parameter);

    /// <param name="parameters">Exactly those of <see cref="Shapes"/>, owned by the model from now on.</param>
    /// <param name="device">Where closed formulas put their constants.</param>
    IEnergyModel Create(ArchitectureSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device);

    /// <summary>The network of a module file, tried out; for families that take one.</summary>
    /// <param name="module">The file's bytes, code that the operator has allowed.</param>
    /// <exception cref="Models.InvalidModelException">It is no such network, or can't compute in the precision.</exception>
    IEnergyModel Load(ArchitectureSpec spec, InputSchema input, byte[] module, ScalarType precision, Device device);

    /// <summary>Fresh parameters from an explicit generator.</summary>
    IReadOnlyDictionary<string, Tensor> Initialise(ArchitectureSpec spec, InputSchema input, Generator generator);
}
