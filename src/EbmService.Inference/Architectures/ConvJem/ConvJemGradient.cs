using EbmService.Inference.Numerics;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.ConvJem;

/// <summary>
/// Energy and gradient of a convolutional joint energy model on a CPU without a graph: maps as rows (n, height, width, channels) all the
/// way, SiLU's derivative kept from the way forwards. Holds reordered copies of the weights.
/// </summary>
internal sealed class ConvJemGradient : IDisposable
{
    private readonly IConvolutionStep[] _steps;
    private readonly Tensor _headWeight;
    private readonly Tensor _headBias;
    private readonly long _width;
    private Tensor? _head;

    public ConvJemGradient(
        IEnumerable<(Tensor Weight, Tensor Bias, long Stride, long Padding)> layers, Tensor headWeight, Tensor headBias)
    {
        (Tensor Weight, Tensor Bias, long Stride, long Padding)[] all = [.. layers];
        _steps = [.. all.Select(layer => Step(layer.Weight, layer.Bias, layer.Stride, layer.Padding))];
        (_headWeight, _headBias, _width) = (headWeight, headBias, all[^1].Weight.shape[0]);
        ReorderHead();
    }

    /// <summary>Brings the copies up to date; nobody may compute meanwhile.</summary>
    public void Refresh()
    {
        foreach (IConvolutionStep step in _steps)
            step.Refresh();
        ReorderHead();
    }

    public (Tensor Energy, Tensor Gradient) Compute(Tensor x, Tensor? labels)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var slopes = new Tensor[_steps.Length];
        Tensor rows = ConvolutionStep.Rows(x.to(_headWeight.dtype));
        foreach ((int i, IConvolutionStep step) in _steps.Index())
        {
            slopes[i] = step.Forward(rows);
            rows = SiluKernel.Activate(slopes[i]);
        }
        Tensor logits = NativePrimitives.Linear(rows.flatten(1), _head!, _headBias).to(ScalarType.Float32);
        Tensor gradient = NativePrimitives.Product(LogitGradient(logits, labels).to(_headWeight.dtype), _head!).view(rows.shape);
        for (int i = _steps.Length - 1; i >= 0; i--)
        {
            SiluKernel.Multiply(gradient, slopes[i]);
            (long height, long width) = i > 0 ? (slopes[i - 1].shape[1], slopes[i - 1].shape[2]) : (x.shape[2], x.shape[3]);
            gradient = _steps[i].Backward(gradient, height, width);
        }
        return (ConvJemEnergy.EnergyOfLogits(logits, labels).MoveToOuterDisposeScope(),
            ConvolutionStep.Map(gradient).contiguous().to(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    public void Dispose()
    {
        foreach (IConvolutionStep step in _steps)
            step.Dispose();
        _head?.Dispose();
    }

    private static IConvolutionStep Step(Tensor weight, Tensor bias, long stride, long padding) =>
        ThinConvolutionStep.Fits(weight, stride, padding)
            ? new ThinConvolutionStep(weight, bias)
            : new ConvolutionStep(weight, bias, stride, padding);

    /// <summary>dE/df: -softmax(f), or -1 at the label.</summary>
    private static Tensor LogitGradient(Tensor logits, Tensor? labels) => labels is null
        ? logits.softmax(1).neg_()
        : zeros_like(logits).scatter_(1, labels.unsqueeze(1), full_like(logits, Kept(-1)));

    /// <summary>Its inputs come pixel by pixel here, not channel by channel.</summary>
    private void ReorderHead()
    {
        using DisposeScope scope = NewDisposeScope();
        _head?.Dispose();
        _head = _headWeight.detach().view(_headWeight.shape[0], _width, -1).transpose(1, 2).reshape(_headWeight.shape).contiguous().DetachFromDisposeScope();
    }
}
