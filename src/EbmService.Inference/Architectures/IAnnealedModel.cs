using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>An energy with a path of densities from independent variables of given means to its own: what annealing by Gibbs needs of a model to begin near the data.</summary>
public interface IAnnealedModel : IBlockConditionals
{
    /// <param name="mean">(numbers of an input), strictly inside the range; of models with latent variables those of the visible part count.</param>
    /// <param name="temperature">T of the end, exp(-E / T) with what <see cref="IBlockConditionals.Resample"/> tempers tempered too; above 0.</param>
    /// <returns>The caller's. Null where the model has no such path.</returns>
    IAnnealedPath? PathFrom(Tensor mean, double temperature);
}

/// <summary>
/// Unnormalised densities f_b over rows of states, b from 0, where the normalising constant is known, to 1. Has memory of its own for a step: of one thread.
/// </summary>
public interface IAnnealedPath : IDisposable
{
    /// <value>log of the normalising constant of f_0.</value>
    double LogZOfBase { get; }

    /// <summary>Independent samples of f_0, (rows, ...input), the caller's.</summary>
    Tensor Draw(int rows, Generator generator);

    /// <summary>Adds log f_to(x) - log f_from(x).</summary>
    /// <param name="x">(n, ...input).</param>
    /// <param name="logWeights">(n) float64, changed in place.</param>
    void Weigh(Tensor x, double from, double to, Tensor logWeights);

    /// <summary>A transition that leaves f_b invariant, in place.</summary>
    /// <param name="b">Above 0.</param>
    /// <param name="backwards">The reversal of the forward transition; the same where that is reversible.</param>
    void Move(Tensor x, double b, bool backwards, Generator generator);

    /// <summary>Weighs the rows where they are, then moves them at <paramref name="to"/>; what both need is computed once.</summary>
    void WeighAndMove(Tensor x, double from, double to, bool backwards, Tensor logWeights, Generator generator)
    {
        Weigh(x, from, to, logWeights);
        Move(x, to, backwards, generator);
    }
}
