using EbmService.Inference.Numerics;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Boltzmann;

/// <summary>
/// The path of Salakhutdinov and Murray (2008) to a Bernoulli machine: at b couplings and hidden biases are b W / T and b c / T, visible biases
/// (1 - b) a + b d / T with the machine's d; at 0 a product of Bernoullis, at 1 the machine. Chains are of v, hidden units summed out. A step is two products, two draws
/// and a dozen passes over memory that is allocated once.
/// </summary>
internal sealed class RbmPath : IAnnealedPath
{
    /// <summary>Longer steps than this are weighed in double: where drives are large, float32 has no digits left.</summary>
    private const double LongStep = 0.02;

    private readonly Tensor _weight, _transposed, _hiddenBias, _baseBias, _visibleBias, _slope;
    private readonly double _temperature;
    private Scratch? _scratch;

    /// <param name="model">Of binary units, without label units; outlives the path.</param>
    /// <param name="baseBias">a (visible).</param>
    public RbmPath(RbmEnergy model, Tensor baseBias, double temperature)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        (_weight, _hiddenBias, _visibleBias, _temperature) = (model.Parameters["weight"], model.Parameters["hidden.bias"], model.Parameters["visible.bias"], temperature);
        _transposed = _weight.t().contiguous().DetachFromDisposeScope();
        _baseBias = baseBias.flatten().clone().DetachFromDisposeScope();
        // d/db of the visible biases.
        _slope = _visibleBias.div(Kept(temperature)).sub_(_baseBias).DetachFromDisposeScope();
        LogZOfBase = RbmEnergy.Softplus(_baseBias).sum().ToDouble() + _hiddenBias.shape[0] * Math.Log(2);
    }

    public double LogZOfBase { get; }

    public Tensor Draw(int rows, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor up = _baseBias.sigmoid();
        return rand([rows, up.shape[0]], generator: generator, device: up.device).less(up).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    public void Weigh(Tensor x, double from, double to, Tensor logWeights)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor v = x.flatten(1);
        Weigh(Prepare(v), v, from, to, logWeights);
    }

    public void Move(Tensor x, double b, bool backwards, Generator generator)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor v = x.flatten(1);
        Move(Prepare(v), v, b, generator);
    }

    public void WeighAndMove(Tensor x, double from, double to, bool backwards, Tensor logWeights, Generator generator)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor v = x.flatten(1);
        Scratch scratch = Prepare(v);
        Weigh(scratch, v, from, to, logWeights);
        Move(scratch, v, to, generator);
    }

    /// <summary>What drives the hidden units given v, (c + W v) / T, in the scratch.</summary>
    private Scratch Prepare(Tensor v)
    {
        if (_scratch is null || _scratch.Drive.shape[0] != v.shape[0])
        {
            _scratch?.Dispose();
            _scratch = new Scratch(v, _hiddenBias);
        }
        NativePrimitives.ProductInto(_scratch.Drive, v, _transposed);
        _scratch.Drive.add_(_hiddenBias, Kept(1));
        if (_temperature != 1)
            _scratch.Drive.div_(Kept(_temperature));
        return _scratch;
    }

    /// <summary>
    /// log f_b(v) = v . bias_b + sum_j softplus(b drive_j). The softplus's difference over a short step is log1p(sigmoid(b drive) expm1(step drive)), which keeps its
    /// digits in float32.
    /// </summary>
    private void Weigh(Scratch scratch, Tensor v, double from, double to, Tensor logWeights)
    {
        NativePrimitives.ProductInto(scratch.PerRow, v, _slope);
        logWeights.add_(scratch.PerRow, alpha: Kept(to - from));
        if (Math.Abs(to - from) > LongStep)
        {
            logWeights.add_(RbmEnergy.Softplus(scratch.Drive.mul(Kept(to))).sum([1]), Kept(1));
            logWeights.sub_(RbmEnergy.Softplus(scratch.Drive.mul(Kept(from))).sum([1]));
            return;
        }
        scratch.Share.copy_(scratch.Drive).mul_(Kept(from)).sigmoid_();
        scratch.Hidden.copy_(scratch.Drive).mul_(Kept(to - from)).expm1_().mul_(scratch.Share).log1p_();
        NativePrimitives.ProductInto(scratch.PerRow, scratch.Hidden, scratch.Ones);
        logWeights.add_(scratch.PerRow, Kept(1));
    }

    private void Move(Scratch scratch, Tensor v, double b, Generator generator)
    {
        // A uniform number below the probability is 1, in place of the number.
        scratch.Drive.mul_(Kept(b)).sigmoid_();
        scratch.Hidden.uniform_(0, 1, generator).lt_(scratch.Drive);
        NativePrimitives.ProductInto(scratch.Up, scratch.Hidden, _weight);
        scratch.Bias.copy_(_visibleBias).mul_(Kept(b / _temperature)).add_(_baseBias, alpha: Kept(1 - b));
        scratch.Up.mul_(Kept(b / _temperature)).add_(scratch.Bias, Kept(1)).sigmoid_();
        v.uniform_(0, 1, generator).lt_(scratch.Up);
    }

    public void Dispose()
    {
        _scratch?.Dispose();
        foreach (Tensor tensor in new[] { _transposed, _baseBias, _slope })
            tensor.Dispose();
    }

    /// <summary>Memory of a step over so many rows, written before it is read.</summary>
    private sealed class Scratch : IDisposable
    {
        public Scratch(Tensor v, Tensor hiddenBias)
        {
            long rows = v.shape[0], hidden = hiddenBias.shape[0];
            Drive = empty(rows, hidden, device: v.device).DetachFromDisposeScope();
            Hidden = empty(rows, hidden, device: v.device).DetachFromDisposeScope();
            Share = empty(rows, hidden, device: v.device).DetachFromDisposeScope();
            Up = empty(rows, v.shape[1], device: v.device).DetachFromDisposeScope();
            Bias = empty(v.shape[1], device: v.device).DetachFromDisposeScope();
            PerRow = empty(rows, device: v.device).DetachFromDisposeScope();
            Ones = ones(hidden, device: v.device).DetachFromDisposeScope();
        }

        public Tensor Drive { get; }

        public Tensor Hidden { get; }

        public Tensor Share { get; }

        public Tensor Up { get; }

        public Tensor Bias { get; }

        public Tensor PerRow { get; }

        public Tensor Ones { get; }

        public void Dispose()
        {
            foreach (Tensor tensor in new[] { Drive, Hidden, Share, Up, Bias, PerRow, Ones })
                tensor.Dispose();
        }
    }
}
