using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>
/// A classifier whose energies are those of its logits alone, E(x, y) = -f(x)[y] and E(x) = -logsumexp_y f(x)[y]: one pass gives the energies of several
/// labels, to the bits of <see cref="IEnergyModel.Energy"/>, and one way back the gradient of any sum of them.
/// </summary>
public interface ILogitEnergy : IEnergyModel
{
    /// <param name="x">(n, ...input).</param>
    /// <param name="slope">From the logits, which it leaves alone, to the derivatives of what is asked by them, (n, classes) float64.</param>
    /// <returns>Logits (n, classes) float64 and the gradient shaped like x, float32, both outside any graph.</returns>
    (Tensor Logits, Tensor Gradient) LogitsAndGradient(Tensor x, Func<Tensor, Tensor> slope);
}
