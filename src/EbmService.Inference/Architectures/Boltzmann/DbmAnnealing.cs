using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Boltzmann;

/// <summary>
/// The path of Salakhutdinov and Hinton (2009) to a deep machine: at beta all couplings and hidden biases are beta times the machine's, visible biases (1 - beta) a + beta b.
/// Chains are of v, h2, h4, ...; the layers between are summed out, which are independent given those. At 0 all units are independent.
/// </summary>
/// <param name="baseBias">a (visible).</param>
/// <param name="betas">Ascending from 0 to 1.</param>
internal sealed class DbmAnnealing(DbmEnergy model, Tensor baseBias, IReadOnlyList<double> betas) : IAnnealing
{
    public double LogZOfBase =>
        RbmEnergy.Softplus(baseBias).sum().ToDouble() + Enumerable.Range(1, model.Layers - 1).Sum(layer => model.BiasOfLayer(layer).shape[0]) * Math.Log(2);

    public double[] Forward(int chains, Generator generator, CancellationToken cancellationToken)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] units = [.. Enumerable.Range(0, model.Layers).Select(layer => DbmEnergy.Bernoulli(
            layer == 0 ? baseBias.expand(chains, -1) : zeros(chains, model.BiasOfLayer(layer).shape[0]), generator))];
        return Walk(units, betas, generator, cancellationToken);
    }

    public double[] Reverse(Tensor samples, Generator generator, CancellationToken cancellationToken)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return Walk(model.Split(samples), [.. betas.Reverse()], generator, cancellationToken);
    }

    /// <summary>Weighs each step before the chains take it.</summary>
    /// <param name="units">Written in place.</param>
    private double[] Walk(Tensor[] units, IReadOnlyList<double> path, Generator generator, CancellationToken cancellationToken)
    {
        Tensor logWeights = zeros(units[0].shape[0], dtype: ScalarType.Float64);
        for (int step = 1; step < path.Count; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            double beta = path[step];
            int[] odd = [.. Layers(1)];
            Tensor[] drives = [.. odd.Select(layer => model.Drive(units, layer))];
            logWeights.add_(LogDensity(units, drives, beta).sub_(LogDensity(units, drives, path[step - 1])), Kept(1));
            foreach ((int layer, Tensor drive) in odd.Zip(drives))
                units[layer].copy_(DbmEnergy.Bernoulli(drive.mul_(Kept(beta)), generator));
            foreach (int layer in Layers(0))
            {
                Tensor drive = model.Drive(units, layer).mul(Kept(beta));
                units[layer].copy_(DbmEnergy.Bernoulli(layer == 0 ? drive.add_(baseBias, alpha: Kept(1 - beta)) : drive, generator));
            }
        }
        return logWeights.data<double>().ToArray();
    }

    /// <returns>Unnormalised, of v, h2, h4, ..., (n) float64.</returns>
    private Tensor LogDensity(Tensor[] units, Tensor[] drives, double beta)
    {
        Tensor sum = zeros(units[0].shape[0], dtype: ScalarType.Float64);
        foreach (Tensor drive in drives)
            sum.add_(RbmEnergy.Softplus(drive.mul(Kept(beta))).sum([1]), Kept(1));
        foreach (int layer in Layers(0))
        {
            Tensor bias = model.BiasOfLayer(layer).mul(Kept(beta));
            sum.add_(units[layer].mul(layer == 0 ? bias.add_(baseBias, alpha: Kept(1 - beta)) : bias).sum([1], type: ScalarType.Float64), Kept(1));
        }
        return sum;
    }

    private IEnumerable<int> Layers(int first) => Enumerable.Range(0, model.Layers).Where(layer => layer % 2 == first);
}
