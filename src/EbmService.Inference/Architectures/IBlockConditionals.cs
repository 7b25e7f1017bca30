using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>
/// An energy whose variables fall into blocks, each of which can be drawn at once given the rest. What blocked Gibbs needs of a model.
/// </summary>
public interface IBlockConditionals : IEnergyModel
{
    int Blocks { get; }

    /// <summary>Draws the variables of one block given all others, in place; leaves the density of <see cref="LogDensity"/> at 1 / T as it is.</summary>
    /// <param name="x">(n, ...input).</param>
    /// <param name="block">0-based.</param>
    /// <param name="temperature">T, above 0.</param>
    /// <param name="labels">A class per row (n) int64, or null.</param>
    /// <param name="held">(...input) bool, true where x must not change; null where nothing is held.</param>
    /// <param name="generator">The block of chains' own; the draws' shapes depend on x's shape alone.</param>
    void Resample(Tensor x, int block, double temperature, Tensor? labels, Tensor? held, Generator generator);

    /// <summary>
    /// log of the density, unnormalised, that <see cref="Resample"/> at a temperature draws from: -E(x) / T, but for models whose energy sums variables out that
    /// their draws temper too. Each temperature has an unknown constant of its own.
    /// </summary>
    /// <param name="x">(n, ...input).</param>
    /// <param name="inverseTemperature">1 / T per row, (n) float64.</param>
    /// <param name="labels">A class per row (n) int64, or null.</param>
    /// <returns>(n) float64, the caller's.</returns>
    Tensor LogDensity(Tensor x, Tensor inverseTemperature, Tensor? labels)
    {
        using DisposeScope scope = NewDisposeScope();
        return Energy(x, labels).neg().mul(inverseTemperature).MoveToOuterDisposeScope();
    }
}
