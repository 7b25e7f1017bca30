using EbmService.Core.Models;
using EbmService.Core.Restoration;
using EbmService.Core.Tensors;
using EbmService.Inference.Numerics;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>What is seen of an input but for noise: A x + offset. All tensors that are given back belong to the caller's scope.</summary>
internal abstract class LinearOperator
{
    /// <summary>A x, from (n, ...input) to (n, ...observed).</summary>
    public abstract Tensor Apply(Tensor x);

    /// <summary>A' y, from (n, ...observed) to (n, ...input).</summary>
    public abstract Tensor Transpose(Tensor y);

    /// <summary>An input that looks like what was observed: where chains begin, and what stands for the damaged input in a picture.</summary>
    public virtual Tensor BringBack(Tensor y) => Transpose(y);

    /// <summary>A x + offset.</summary>
    public virtual Tensor Observe(Tensor x) => Apply(x);

    public static LinearOperator Create(Damage damage, InputSchema input) => damage.Kind switch
    {
        DamageKind.Blur => new BlurOperator(damage.Kernel!, (float)input.Min),
        DamageKind.Downsample => new PoolOperator(damage.Factor!.Value),
        DamageKind.Matrix => new MatrixOperator(damage.Matrix!, input),
        _ => new IdentityOperator(),
    };

    private sealed class IdentityOperator : LinearOperator
    {
        public override Tensor Apply(Tensor x) => x.alias();

        public override Tensor Transpose(Tensor y) => y.alias();
    }

    /// <summary>Correlation with a kernel as shifted sums, a tap at a time: y[i] = sum_k w[k] x[i + k - middle]. Outside of the picture lies <paramref name="outside"/>.</summary>
    private sealed class BlurOperator(TensorPayload kernel, float outside) : LinearOperator
    {
        private readonly int _height = kernel.Shape[0], _width = kernel.Shape[1];

        public override Tensor Apply(Tensor x) => Sum(x, flipped: false);

        public override Tensor Transpose(Tensor y) => Sum(y, flipped: true);

        public override Tensor BringBack(Tensor y) => y.alias();

        public override Tensor Observe(Tensor x) => Sum(x.sub(Kept(outside)), flipped: false).add_(ones_like(x), alpha: Kept(outside * kernel.Values.Sum()));

        private Tensor Sum(Tensor map, bool flipped)
        {
            long height = map.shape[2], width = map.shape[3];
            Tensor padded = F.pad(map, [_width, _width, _height, _height]);
            Tensor sum = zeros_like(map);
            for (int row = 0; row < _height; row++)
            {
                for (int column = 0; column < _width; column++)
                {
                    float weight = kernel.Values[row * _width + column];
                    if (weight == 0)
                        continue;
                    (int down, int right) = (row - _height / 2, column - _width / 2);
                    (down, right) = flipped ? (-down, -right) : (down, right);
                    sum.add_(padded.narrow(2, _height + down, height).narrow(3, _width + right, width), alpha: Kept(weight));
                }
            }
            return sum;
        }
    }

    /// <summary>Means of squares of pixels.</summary>
    private sealed class PoolOperator(int factor) : LinearOperator
    {
        public override Tensor Apply(Tensor x) =>
            x.reshape(x.shape[0], x.shape[1], x.shape[2] / factor, factor, x.shape[3] / factor, factor).mean([3, 5]);

        public override Tensor Transpose(Tensor y) => BringBack(y).div_(Kept((double)factor * factor));

        public override Tensor BringBack(Tensor y) => y.repeat_interleave(factor, dim: 2).repeat_interleave(factor, dim: 3);
    }

    private sealed class MatrixOperator(TensorPayload matrix, InputSchema input) : LinearOperator
    {
        private readonly long[] _input = [.. input.Shape.Select(size => (long)size)];

        public override Tensor Apply(Tensor x) => NativePrimitives.Product(x.flatten(1), Matrix(x.device).t());

        public override Tensor Transpose(Tensor y) => NativePrimitives.Product(y, Matrix(y.device)).reshape([y.shape[0], .. _input]);

        private Tensor Matrix(Device device) => tensor(matrix.Values, matrix.Shape[0], matrix.Shape[1]).to(device);
    }
}
