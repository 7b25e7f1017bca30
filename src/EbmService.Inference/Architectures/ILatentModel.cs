using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>
/// An energy of visible and latent variables together: an input is a flat row of both, the visible ones first. What training on visible data needs of a model.
/// </summary>
public interface ILatentModel : IEnergyModel
{
    /// <value>How many of a row's numbers are visible.</value>
    int VisibleLength { get; }

    /// <summary>
    /// The mean-field posterior of the latents: a factorised q(h) that makes E[E(v, h)] - H(q) as small as a fixed number of sweeps gets it. Where the energy is
    /// multilinear, Energy of the answer and its gradients are those means exactly.
    /// </summary>
    /// <param name="visible">(n, ...), of <see cref="VisibleLength"/> numbers a row.</param>
    /// <returns>(n, ...input): the visible numbers, then the latents' means. Outside any graph.</returns>
    Tensor Infer(Tensor visible);
}
