using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Boltzmann;

/// <summary>
/// The path of Salakhutdinov and Hinton (2009) to a deep machine: at b all couplings and hidden biases are b / T times the machine's, visible biases (1 - b) a + b d / T
/// with the machine's d. Weighed are v, h2, h4, ...; the layers between are summed out, which are independent given those. At 0 all units are independent.
/// </summary>
/// <param name="baseBias">a (visible), the path's from now on.</param>
internal sealed class DbmPath(DbmEnergy model, Tensor baseBias, double temperature) : IAnnealedPath
{
    public double LogZOfBase =>
        RbmEnergy.Softplus(baseBias).sum().ToDouble() + Enumerable.Range(1, model.Layers - 1).Sum(layer => model.BiasOfLayer(layer).shape[0]) * Math.Log(2);

    public Tensor Draw(int rows, Generator generator)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return cat([.. Enumerable.Range(0, model.Layers).Select(layer => DbmEnergy.Bernoulli(
            layer == 0 ? baseBias.expand(rows, -1) : zeros(rows, model.BiasOfLayer(layer).shape[0]), generator))], 1).MoveToOuterDisposeScope();
    }

    public void Weigh(Tensor x, double from, double to, Tensor logWeights)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] units = model.Split(x);
        Weigh(units, Drives(units), from, to, logWeights);
    }

    public void Move(Tensor x, double b, bool backwards, Generator generator)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] units = model.Split(x);
        Move(x, units, Drives(units), b, generator);
    }

    public void WeighAndMove(Tensor x, double from, double to, bool backwards, Tensor logWeights, Generator generator)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor[] units = model.Split(x);
        Tensor[] drives = Drives(units);
        Weigh(units, drives, from, to, logWeights);
        Move(x, units, drives, to, generator);
    }

    public void Dispose() => baseBias.Dispose();

    private Tensor[] Drives(Tensor[] units) => [.. Layers(1).Select(layer => model.Drive(units, layer).div_(Kept(temperature)))];

    private void Weigh(Tensor[] units, Tensor[] drives, double from, double to, Tensor logWeights) =>
        logWeights.add_(LogDensity(units, drives, to).sub_(LogDensity(units, drives, from)), Kept(1));

    private void Move(Tensor x, Tensor[] units, Tensor[] drives, double b, Generator generator)
    {
        foreach ((int layer, Tensor drive) in Layers(1).Zip(drives))
            units[layer].copy_(DbmEnergy.Bernoulli(drive.mul(Kept(b)), generator));
        foreach (int layer in Layers(0))
        {
            Tensor drive = model.Drive(units, layer).mul(Kept(b / temperature));
            units[layer].copy_(DbmEnergy.Bernoulli(layer == 0 ? drive.add_(baseBias, alpha: Kept(1 - b)) : drive, generator));
        }
        x.copy_(cat(units, 1).view(x.shape));
    }

    /// <returns>Unnormalised, of v, h2, h4, ..., (n) float64.</returns>
    private Tensor LogDensity(Tensor[] units, Tensor[] drives, double b)
    {
        Tensor sum = zeros(units[0].shape[0], dtype: ScalarType.Float64);
        foreach (Tensor drive in drives)
            sum.add_(RbmEnergy.Softplus(drive.mul(Kept(b))).sum([1]), Kept(1));
        foreach (int layer in Layers(0))
        {
            Tensor bias = model.BiasOfLayer(layer).mul(Kept(b / temperature));
            sum.add_(units[layer].mul(layer == 0 ? bias.add_(baseBias, alpha: Kept(1 - b)) : bias).sum([1], type: ScalarType.Float64), Kept(1));
        }
        return sum;
    }

    private IEnumerable<int> Layers(int first) => Enumerable.Range(0, model.Layers).Where(layer => layer % 2 == first);
}
