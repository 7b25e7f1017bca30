using TorchSharp;

namespace EbmService.Inference.Architectures;

/// <summary>A family whose gradients can be taken about the mean activities of its units.</summary>
public interface ICentredGradients
{
    /// <summary>
    /// The gradient of the same machine written with the offsets mu (visible) and lambda (hidden) subtracted from its units, told by its own parameters.
    /// </summary>
    /// <param name="gradients">Of mean E(data) - mean E(samples), by parameter.</param>
    /// <param name="data">(n, ...input).</param>
    /// <param name="samples">(n, ...input).</param>
    /// <returns>By parameter, in the caller's scope.</returns>
    Dictionary<string, torch.Tensor> Centre(Dictionary<string, torch.Tensor> gradients, torch.Tensor data, torch.Tensor samples);
}
