using EbmService.Inference.Numerics;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Boltzmann;

/// <summary>
/// The path of Salakhutdinov and Murray (2008) to a Bernoulli machine: at beta couplings and hidden biases are beta W and beta c, visible biases
/// (1 - beta) a + beta b; at 0 a product of Bernoullis, at 1 the machine.
/// </summary>
/// <param name="model">Of binary units, without label units.</param>
/// <param name="baseBias">a (visible).</param>
/// <param name="betas">Ascending from 0 to 1.</param>
internal sealed class RbmAnnealing(RbmEnergy model, Tensor baseBias, IReadOnlyList<double> betas) : IAnnealing
{
    private readonly Tensor _weight = model.Parameters["weight"];
    private readonly Tensor _visibleBias = model.Parameters["visible.bias"];
    private readonly Tensor _hiddenBias = model.Parameters["hidden.bias"];
    private readonly Tensor _transposed = model.Parameters["weight"].t().contiguous();

    public double LogZOfBase => RbmEnergy.Softplus(baseBias).sum().ToDouble() + _hiddenBias.shape[0] * Math.Log(2);

    /// <summary>Steps spread as in Salakhutdinov and Murray (2008): few up to 0.5, most above 0.9.</summary>
    public static IReadOnlyList<double> Schedule(int steps)
    {
        int first = steps / 29, second = steps * 8 / 29, third = steps - first - second;
        return
        [
            .. Enumerable.Range(0, first).Select(i => 0.5 * i / first),
            .. Enumerable.Range(0, second).Select(i => 0.5 + 0.4 * i / second),
            .. Enumerable.Range(0, third + 1).Select(i => 0.9 + 0.1 * i / third),
        ];
    }

    public double[] Forward(int chains, Generator generator, CancellationToken cancellationToken)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor v = Bernoulli(baseBias.expand(chains, -1), generator);
        return Walk(v, betas, generator, cancellationToken);
    }

    public double[] Reverse(Tensor samples, Generator generator, CancellationToken cancellationToken)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return Walk(samples.flatten(1).clone(), [.. betas.Reverse()], generator, cancellationToken);
    }

    /// <summary>Weighs each step before the chains take it.</summary>
    private double[] Walk(Tensor v, IReadOnlyList<double> path, Generator generator, CancellationToken cancellationToken)
    {
        Tensor logWeights = zeros(v.shape[0], dtype: ScalarType.Float64);
        for (int step = 1; step < path.Count; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            Tensor drive = NativePrimitives.Product(v, _transposed, _hiddenBias);
            logWeights.add_(LogDensity(v, drive, path[step]).sub_(LogDensity(v, drive, path[step - 1])), Kept(1));
            Tensor hidden = Bernoulli(drive.mul_(Kept(path[step])), generator);
            Tensor back = NativePrimitives.Product(hidden, _weight).mul_(Kept(path[step])).add_(VisibleBias(path[step]), Kept(1));
            v.copy_(Bernoulli(back, generator));
        }
        return logWeights.data<double>().ToArray();
    }

    /// <returns>Unnormalised, (n) float64.</returns>
    private Tensor LogDensity(Tensor v, Tensor drive, double beta) =>
        RbmEnergy.Softplus(drive.mul(Kept(beta))).sum([1]).add_(v.mul(VisibleBias(beta)).sum([1], type: ScalarType.Float64), Kept(1));

    private Tensor VisibleBias(double beta) => baseBias.mul(Kept(1 - beta)).add_(_visibleBias, alpha: Kept(beta));

    private static Tensor Bernoulli(Tensor drive, Generator generator) =>
        rand(drive.shape, generator: generator).less(drive.sigmoid()).to(ScalarType.Float32);
}
