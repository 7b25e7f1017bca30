using static TorchSharp.torch;

namespace EbmService.Inference.Architectures;

/// <summary>A model whose hidden units each have a weight per visible number, worth looking at as a picture.</summary>
public interface IFilterBank
{
    /// <value>(units, visible numbers); the model's own.</value>
    Tensor Filters { get; }
}
