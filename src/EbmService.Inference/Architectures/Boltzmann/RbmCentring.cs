using EbmService.Inference.Numerics;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Boltzmann;

/// <summary>
/// The centred gradient of a machine with binary units, with the average of data and samples as offsets: the enhanced gradient of Cho, Raiko and
/// Ilin (2011), one of the choices of Montavon and Mueller (2012) in the form of Melchior, Fischer and Wiskott (2016). With dW, db, dc
/// the plain gradients: dW' = dW - lambda db' - dc mu', then db' = db - lambda' dW' and dc' = dc - dW' mu.
/// </summary>
internal static class RbmCentring
{
    /// <param name="visible">Means of v over data and samples, (visible).</param>
    /// <param name="hidden">Means of h, (hidden).</param>
    /// <param name="gradients">weight (hidden, visible), visible.bias and hidden.bias.</param>
    public static void Centre(Dictionary<string, Tensor> gradients, Tensor visible, Tensor hidden)
    {
        using IDisposable noGradient = no_grad();
        Tensor ofVisible = gradients["visible.bias"], ofHidden = gradients["hidden.bias"];
        Tensor weight = gradients["weight"].sub(hidden.unsqueeze(1).mul(ofVisible)).sub(ofHidden.unsqueeze(1).mul(visible));
        gradients["visible.bias"] = ofVisible.sub(NativePrimitives.Product(hidden.unsqueeze(0), weight).squeeze(0));
        gradients["hidden.bias"] = ofHidden.sub(NativePrimitives.Product(weight, visible.unsqueeze(1)).squeeze(1));
        gradients["weight"] = weight;
    }

    /// <summary>The mean of the means over data and samples.</summary>
    public static Tensor Offset(Tensor data, Tensor samples) => data.mean([0]).add(samples.mean([0]), Kept(1)).div(Kept(2));
}
