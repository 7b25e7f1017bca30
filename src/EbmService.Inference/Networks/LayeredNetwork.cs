using EbmService.Inference.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>
/// Layers from a picture to features, and a linear head over them. The layers compute in the precision of their parameters; the head's
/// parameters are float32
/// and its sums float64.
/// </summary>
/// <param name="body">From (n, channels, height, width) to features (n, width) float32.</param>
/// <param name="headWeight">(outputs, width) float32.</param>
/// <param name="headBias">(outputs) float32.</param>
/// <param name="precision">Of the body.</param>
internal sealed class LayeredNetwork(INetworkLayer body, Tensor headWeight, Tensor headBias, ScalarType precision)
{
    private bool IsFrozen { get; } = !headWeight.requires_grad;

    /// <param name="labels">A class per row where the layers depend on one.</param>
    public Tensor Features(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using var pass = new NetworkPass(labels, keeps: false);
        return body.Forward(Rows(x), pass).MoveToOuterDisposeScope();
    }

    /// <returns>(n, outputs) float64.</returns>
    public Tensor Outputs(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        return Head(Features(x, labels)).MoveToOuterDisposeScope();
    }

    /// <summary>The outputs, and a gradient by the input, both outside any graph.</summary>
    /// <param name="outputGradient">From the outputs to the gradient by them, (n, outputs).</param>
    /// <returns>Outputs (n, outputs) float64, gradient shaped like x float32.</returns>
    public (Tensor Outputs, Tensor Gradient) Differentiate(Tensor x, Tensor? labels, Func<Tensor, Tensor> outputGradient)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using var pass = new NetworkPass(labels, keeps: true);
        Tensor outputs = Head(body.Forward(Rows(x), pass));
        Tensor towardsHead = outputGradient(outputs).to(ScalarType.Float32);
        // A product with one column is a product of numbers: a row's bits can't depend on its place.
        Tensor towardsFeatures = headWeight.shape[0] == 1 ? towardsHead.mul(headWeight) : NativePrimitives.Product(towardsHead, headWeight);
        Tensor gradient = body.Backward(towardsFeatures, pass).to(ScalarType.Float32).contiguous();
        return (outputs.MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    /// <summary>With channels last in memory, as most of the kernels want them.</summary>
    private Tensor Rows(Tensor x) => x.to(precision).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    private Tensor Head(Tensor features) => IsFrozen && !features.requires_grad && features.device_type == DeviceType.CPU
        ? DenseKernel.Project(features.contiguous(), headWeight, headBias)
        : NativePrimitives.Linear(features.to(ScalarType.Float64), headWeight.to(ScalarType.Float64), headBias.to(ScalarType.Float64));
}
