using EbmService.Inference.Numerics;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Inference.Architectures.ConvJem;

/// <summary>
/// The first convolution over images of one to three channels, stride 1, size kept. oneDNN's kernels for so few channels reach a fortieth
/// of the others' speed: forwards, a second channel of zeros picks a better one; backwards, one matrix product gives every tap
/// a plane, and the planes are added, each shifted by its tap.
/// </summary>
internal sealed class ThinConvolutionStep : IConvolutionStep
{
    private const int MaxChannels = 3;

    private readonly Tensor _weight;
    private readonly Tensor _bias;
    private readonly long _kernel, _channels;
    private Tensor? _forward;
    private Tensor? _taps;

    public ThinConvolutionStep(Tensor weight, Tensor bias)
    {
        (_weight, _bias) = (weight, bias);
        (_channels, _kernel) = (weight.shape[1], weight.shape[2]);
        Refresh();
    }

    public static bool Fits(Tensor weight, long stride, long padding) =>
        weight.shape[1] <= MaxChannels && stride == 1 && weight.shape[2] == 2 * padding + 1;

    public void Refresh()
    {
        using DisposeScope scope = NewDisposeScope();
        Dispose();
        _forward = ConvolutionStep.Map(Padded(ConvolutionStep.Rows(_weight.detach()))).DetachFromDisposeScope();
        _taps = _weight.detach().permute(2, 3, 1, 0).reshape(_kernel * _kernel * _channels, _weight.shape[0]).contiguous().DetachFromDisposeScope();
    }

    public Tensor Forward(Tensor rows)
    {
        using DisposeScope scope = NewDisposeScope();
        long padding = _kernel / 2;
        Tensor map = NativePrimitives.Convolve(ConvolutionStep.Map(Padded(rows)), _forward!, _bias, 1, padding);
        return ConvolutionStep.Rows(map).MoveToOuterDisposeScope();
    }

    /// <returns>In float32: the taps are summed in it.</returns>
    public Tensor Backward(Tensor gradient, long height, long width)
    {
        using DisposeScope scope = NewDisposeScope();
        long n = gradient.shape[0], centre = _kernel / 2;
        Tensor planes = NativePrimitives.Product(_taps!, gradient.view(n * height * width, -1).t()).to(ScalarType.Float32)
            .view(_kernel, _kernel, _channels * n, height, width);
        Tensor sum = planes.select(0, centre).select(0, centre);
        for (long i = 0; i < _kernel; i++)
        {
            for (long j = 0; j < _kernel; j++)
            {
                if (i != centre || j != centre)
                    AddShifted(sum, planes.select(0, i).select(0, j), i - centre, j - centre);
            }
        }
        return sum.view(_channels, n, height, width).permute(1, 2, 3, 0).contiguous().MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _forward?.Dispose();
        _taps?.Dispose();
    }

    private Tensor Padded(Tensor rows) => _channels == 1 ? F.pad(rows, [0, 1]) : rows;

    private static void AddShifted(Tensor sum, Tensor plane, long down, long right)
    {
        long height = sum.shape[1] - Math.Abs(down), width = sum.shape[2] - Math.Abs(right);
        if (height > 0 && width > 0)
            Window(sum, Math.Max(0, down), Math.Max(0, right)).add_(Window(plane, Math.Max(0, -down), Math.Max(0, -right)), Kept(1));

        Tensor Window(Tensor map, long top, long left) => map.narrow(1, top, height).narrow(2, left, width);
    }
}
