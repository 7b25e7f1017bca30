using EbmService.Core.Likelihood;
using EbmService.Core.Models;
using EbmService.Inference.Buffers;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Annealing;

/// <summary>Where chains of continuous variables begin: a normalised density p_0 over the range, or over all numbers. One thread's.</summary>
internal abstract class AnnealingBase : IDisposable
{
    /// <summary>Deviations of the buffer are taken for this share of the range at least.</summary>
    private const double LeastShare = 0.05;

    /// <value>Whether the density, and with it the model, is of the range alone.</value>
    public abstract bool IsBox { get; }

    /// <value>About the largest useful step size.</value>
    public abstract double Width { get; }

    /// <summary>Independent samples, (rows, ...input) float32, the caller's.</summary>
    public abstract Tensor Draw(int rows, Generator generator);

    /// <summary>-log p_0(x), its constant with it, (n) float64, the caller's.</summary>
    public abstract Tensor Energy(Tensor x);

    /// <summary>Adds factor times the slope of <see cref="Energy"/> to gradients (n, ...).</summary>
    public abstract void AddGradient(Tensor x, double factor, Tensor gradients);

    public abstract void Dispose();

    /// <param name="buffer">(size, ...input); null where the version has none.</param>
    public static AnnealingBase Create(LikelihoodSpec spec, InputSchema input, Tensor? buffer, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        long[] shape = [.. input.Shape.Select(size => (long)size)];
        switch (spec.Base)
        {
            case LikelihoodBase.Normal:
                Tensor mean = full(shape, Kept(spec.BaseMean!.Value), dtype: ScalarType.Float64, device: device);
                return new NormalBase(mean, full(shape, Kept(spec.BaseDeviation!.Value), dtype: ScalarType.Float64, device: device), null);
            case LikelihoodBase.Buffer:
                Tensor rows = buffer!.to(ScalarType.Float64);
                Tensor deviation = rows.std(0, unbiased: false).clamp_(min: Kept(LeastShare * (input.Max - input.Min)));
                return new NormalBase(rows.mean([0]), deviation, (input.Min, input.Max));
            default:
                return new UniformBase(input, device);
        }
    }

    /// <summary>Uniform over the range.</summary>
    private sealed class UniformBase(InputSchema input, Device device) : AnnealingBase
    {
        private readonly double _energy = input.Length() * Math.Log(input.Max - input.Min);

        public override bool IsBox => true;

        public override double Width => input.Max - input.Min;

        public override Tensor Draw(int rows, Generator generator) => ReplayBuffer.FromBase(rows, input, generator, device);

        public override Tensor Energy(Tensor x) => full([x.shape[0]], Kept(_energy), dtype: ScalarType.Float64, device: x.device);

        public override void AddGradient(Tensor x, double factor, Tensor gradients)
        {
            // It is flat.
        }

        public override void Dispose()
        {
            // Holds no tensors.
        }
    }

    /// <summary>Independent normal variables, cut off at the walls of a box where there is one.</summary>
    private sealed class NormalBase : AnnealingBase
    {
        private readonly Tensor _mean, _deviation, _inverse, _low, _high;
        private readonly (double Min, double Max)? _box;
        private readonly double _constant;

        /// <param name="mean">(...input) float64.</param>
        public NormalBase(Tensor mean, Tensor deviation, (double Min, double Max)? box)
        {
            using DisposeScope scope = NewDisposeScope();
            (_mean, _deviation, _box) = (mean.DetachFromDisposeScope(), deviation.DetachFromDisposeScope(), box);
            _inverse = deviation.pow(Kept(-2)).DetachFromDisposeScope();
            _low = Below(box?.Min).DetachFromDisposeScope();
            _high = Below(box?.Max ?? double.PositiveInfinity).DetachFromDisposeScope();
            Width = 2 * deviation.max().ToDouble();
            _constant = deviation.mul(Kept(Math.Sqrt(2 * Math.PI))).mul_(_high.sub(_low)).log_().sum().ToDouble();
        }

        public override bool IsBox => _box is not null;

        public override double Width { get; }

        public override Tensor Draw(int rows, Generator generator)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor share = rand([rows, .. _mean.shape], dtype: ScalarType.Float64, generator: generator, device: _mean.device);
            // 0 and 1 would be infinitely far out.
            share.mul_(_high.sub(_low)).add_(_low, Kept(1)).clamp_(Kept(1e-15), Kept(1 - 1e-15));
            Tensor x = share.mul_(Kept(2)).sub_(Kept(1)).erfinv_().mul_(Kept(Math.Sqrt(2))).mul_(_deviation).add_(_mean, Kept(1));
            if (_box is { } box)
                x.clamp_(Kept(box.Min), Kept(box.Max));
            return x.to(ScalarType.Float32).MoveToOuterDisposeScope();
        }

        public override Tensor Energy(Tensor x)
        {
            using DisposeScope scope = NewDisposeScope();
            return x.sub(_mean).pow_(Kept(2)).mul_(_inverse).flatten(1).sum([1]).mul_(Kept(0.5)).add_(Kept(_constant), Kept(1)).MoveToOuterDisposeScope();
        }

        public override void AddGradient(Tensor x, double factor, Tensor gradients)
        {
            using DisposeScope scope = NewDisposeScope();
            gradients.add_(x.sub(_mean).mul_(_inverse), alpha: Kept(factor));
        }

        public override void Dispose()
        {
            foreach (Tensor tensor in new[] { _mean, _deviation, _inverse, _low, _high })
                tensor.Dispose();
        }

        /// <summary>The share of each variable's normal distribution below a number.</summary>
        private Tensor Below(double? value)
        {
            if (value is not { } wall || double.IsInfinity(wall))
                return full_like(_mean, Kept(value is null ? 0 : 1));
            return _mean.neg().add_(Kept(wall), Kept(1)).div_(_deviation.mul(Kept(Math.Sqrt(2)))).erf_().add_(Kept(1), Kept(1)).mul_(Kept(0.5));
        }
    }
}
