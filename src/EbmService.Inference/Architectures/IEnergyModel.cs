using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>
/// A network or formula that gives every input x an energy E(x), p(x) = exp(-E(x)) / Z; lower = more likely. Parameters
/// are shared read-only between threads; calls are synchronous. Every returned tensor belongs to the caller, who may write into it: none shares memory with the model or the input.
/// </summary>
public interface IEnergyModel : IDisposable
{
    /// <value>Parameters by safetensors name; empty for closed formulas.</value>
    IReadOnlyDictionary<string, Tensor> Parameters { get; }

    /// <value>Number of classes; 0 where the model has no logits.</value>
    int Classes { get; }

    /// <summary>E(x) for inputs (n, ...), or E(x, y) where class indices (n) int64 are given.</summary>
    /// <returns>(n) float64: differences of large energies keep their digits.</returns>
    Tensor Energy(Tensor x, Tensor? labels = null);

    /// <summary>E and dE/dx; the parameters get no gradient.</summary>
    /// <returns>Energy (n) float64 and gradient shaped like x, float32, both outside any graph.</returns>
    (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null);

    /// <summary>Class logits f(x), (n, classes) float64; null where the model has none.</summary>
    Tensor? Logits(Tensor x);

    /// <summary>Class logits, and the gradient by x of the cross-entropy -log p(y | x) = E(x, y) - E(x), of a model with classes.</summary>
    /// <param name="labels">Class indices (n) int64.</param>
    /// <returns>Logits (n, classes) float64 and gradient shaped like x, float32, both outside any graph.</returns>
    (Tensor Logits, Tensor Gradient) CrossEntropyGradient(Tensor x, Tensor labels) => EnergyModel.CrossEntropyByDifference(this, x, labels);

    /// <summary>The activations before the last layer, (n, width); null where the model has none.</summary>
    Tensor? Features(Tensor x);

    /// <summary>
    /// What scores are fitted on, from the input to the last layer: each (n, width) float32. Maps of images are averaged over squares, so that no side is over eight.
    /// The input itself and the features, where a model has no more to say.
    /// </summary>
    IReadOnlyList<Tensor> Layers(Tensor x)
    {
        Tensor input = x.detach().flatten(1).to(ScalarType.Float32, copy: true);
        return Features(x) is { } features ? [input, features.to(ScalarType.Float32)] : [input];
    }
}
