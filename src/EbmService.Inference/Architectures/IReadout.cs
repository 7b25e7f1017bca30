using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>A model whose logits are linear in its features: f(x) = W h(x) + b, E(x) = -logsumexp f(x).</summary>
public interface IReadout
{
    /// <value>(classes, width) and (classes); the model's own.</value>
    (Tensor Weight, Tensor Bias) Readout { get; }
}
