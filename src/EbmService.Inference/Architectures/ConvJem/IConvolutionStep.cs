using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.ConvJem;

/// <summary>One convolution, forwards and backwards, over maps laid out as dense rows (n, height, width, channels).</summary>
internal interface IConvolutionStep : IDisposable
{
    Tensor Forward(Tensor rows);

    /// <summary>The gradient of the input, shaped (n, height, width, channels), from the gradient of the output.</summary>
    Tensor Backward(Tensor gradient, long height, long width);

    /// <summary>Brings copies of the weights up to date.</summary>
    void Refresh();
}
