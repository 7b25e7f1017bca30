using EbmService.Core.Devices;
using EbmService.Inference.Numerics;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.ConvJem;

/// <summary>
/// The network of a convolutional joint energy model on a CPU without a graph, for energies, logits, features and gradients alike: maps as rows
/// (n, height, width, channels) all the way, SiLU's derivative kept from the way forwards where it is needed. Hidden layers compute in the precision of
/// their weights, the head sums float32 products in float64. Holds reordered copies of the weights.
/// </summary>
internal sealed class ConvJemNetwork : IDisposable
{
    private readonly IConvolutionStep[] _steps;
    private readonly Tensor _headWeight;
    private readonly Tensor _headBias;
    private readonly ScalarType _precision;
    private readonly long _width;
    private Tensor? _head;
    private Tensor? _transposedHead;

    public ConvJemNetwork(
        IEnumerable<(Tensor Weight, Tensor Bias, long Stride, long Padding)> layers, Tensor headWeight, Tensor headBias)
    {
        (Tensor Weight, Tensor Bias, long Stride, long Padding)[] all = [.. layers];
        _steps = [.. all.Select(layer => Step(layer.Weight, layer.Bias, layer.Stride, layer.Padding))];
        (_headWeight, _headBias, _width, _precision) = (headWeight, headBias, all[^1].Weight.shape[0], all[0].Weight.dtype);
        ReorderHead();
    }

    /// <summary>Brings the copies up to date; nobody may compute meanwhile.</summary>
    public void Refresh()
    {
        foreach (IConvolutionStep step in _steps)
            step.Refresh();
        ReorderHead();
    }

    /// <returns>(n, channels x height x width) in the hidden layers' precision.</returns>
    public Tensor Features(Tensor x)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return ConvolutionStep.Map(Hidden(x, null)).flatten(1).MoveToOuterDisposeScope();
    }

    /// <returns>(n, classes) float64.</returns>
    public Tensor Logits(Tensor x)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return Head(Flat(Hidden(x, null))).MoveToOuterDisposeScope();
    }

    public (Tensor Energy, Tensor Gradient) Compute(Tensor x, Tensor? labels)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (Tensor logits, Tensor gradient) = Differentiate(x, features => LogitGradient(features, labels));
        return (EnergyModel.EnergyOfLogits(logits, labels).MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    /// <returns>Logits (n, classes) float64, and the gradient of the cross-entropy by x.</returns>
    public (Tensor Logits, Tensor Gradient) CrossEntropyGradient(Tensor x, Tensor labels)
    {
        using IDisposable noGradient = no_grad();
        return Differentiate(x, features => EnergyModel.CrossEntropySlope(Head(features), labels).to(ScalarType.Float32));
    }

    /// <inheritdoc cref="ILogitEnergy.LogitsAndGradient"/>
    public (Tensor Logits, Tensor Gradient) Compute(Tensor x, Func<Tensor, Tensor> slope)
    {
        using IDisposable noGradient = no_grad();
        return Differentiate(x, features => slope(Head(features)).to(ScalarType.Float32));
    }

    /// <param name="logitGradient">From features to the gradient by the logits, (n, classes) float32.</param>
    private (Tensor Logits, Tensor Gradient) Differentiate(Tensor x, Func<Tensor, Tensor> logitGradient)
    {
        using DisposeScope scope = NewDisposeScope();
        var slopes = new Tensor[_steps.Length];
        Tensor rows = Hidden(x, slopes);
        Tensor features = Flat(rows);
        Tensor gradient = Backward(logitGradient(features), rows, slopes, x);
        return (Head(features).MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    public void Dispose()
    {
        foreach (IConvolutionStep step in _steps)
            step.Dispose();
        _head?.Dispose();
        _transposedHead?.Dispose();
    }

    /// <param name="slopes">Filled with SiLU's derivatives, layer by layer; null where no gradient is wanted.</param>
    private Tensor Hidden(Tensor x, Tensor[]? slopes)
    {
        Tensor rows = ConvolutionStep.Rows(x.to(_precision));
        foreach ((int i, IConvolutionStep step) in _steps.Index())
        {
            Tensor map = step.Forward(rows);
            if (slopes is null)
            {
                SiluKernel.Replace(map);
                rows = map;
            }
            else
            {
                slopes[i] = map;
                rows = SiluKernel.Activate(map);
            }
            SafePoint.Reach();
        }
        return rows;
    }

    /// <param name="byLogits">dE/df, (n, classes) float32.</param>
    /// <param name="rows">The last layer's, for their shape.</param>
    /// <param name="slopes">Of <see cref="Hidden"/>.</param>
    /// <param name="x">For its shape.</param>
    private Tensor Backward(Tensor byLogits, Tensor rows, Tensor[] slopes, Tensor x)
    {
        Tensor gradient = NativePrimitives.Product(byLogits, _head!).to(_precision).view(rows.shape);
        for (int i = _steps.Length - 1; i >= 0; i--)
        {
            SiluKernel.Multiply(gradient, slopes[i]);
            (long height, long width) = i > 0 ? (slopes[i - 1].shape[1], slopes[i - 1].shape[2]) : (x.shape[2], x.shape[3]);
            gradient = _steps[i].Backward(gradient, height, width);
            SafePoint.Reach();
        }
        return ConvolutionStep.Map(gradient).contiguous().to(ScalarType.Float32);
    }

    /// <summary>Features as the head takes them: pixel by pixel, float32.</summary>
    private static Tensor Flat(Tensor rows) => rows.flatten(1).to(ScalarType.Float32);

    private Tensor Head(Tensor features) => DenseKernel.Project(features, _head!, _headBias);

    private static IConvolutionStep Step(Tensor weight, Tensor bias, long stride, long padding) =>
        ThinConvolutionStep.Fits(weight, stride, padding)
            ? new ThinConvolutionStep(weight, bias)
            : new ConvolutionStep(weight, bias, stride, padding);

    /// <summary>dE/df: -softmax(f), or -1 at the label; float32, which is as much as the hidden layers make of it.</summary>
    private Tensor LogitGradient(Tensor features, Tensor? labels) => labels is null
        ? NativePrimitives.Product(features, _transposedHead!, _headBias).softmax(1).neg_()
        : zeros(features.shape[0], _head!.shape[0]).scatter_(1, labels.unsqueeze(1), full([features.shape[0], 1], Kept(-1f)));

    /// <summary>Its inputs come pixel by pixel here, not channel by channel.</summary>
    private void ReorderHead()
    {
        using DisposeScope scope = NewDisposeScope();
        _head?.Dispose();
        _transposedHead?.Dispose();
        _head = _headWeight.detach().view(_headWeight.shape[0], _width, -1).transpose(1, 2).reshape(_headWeight.shape).contiguous().DetachFromDisposeScope();
        _transposedHead = _head.t().contiguous().DetachFromDisposeScope();
    }
}
