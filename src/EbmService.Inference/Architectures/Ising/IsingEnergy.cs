using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Ising;

/// <summary>
/// The Ising model on a square lattice with free borders, variables x in {0, 1} of shape (n, ..., height, width), spins s = 2x - 1:
/// E = -coupling sum_neighbours s_i s_j - field sum_i s_i; the same polynomial gives gradients between. Given one colour of the checkerboard
/// the spins of the other are independent: two blocks.
/// </summary>
public sealed class IsingEnergy(IsingSpec spec) : EnergyModel(new Dictionary<string, Tensor>()), IBlockConditionals
{
    public int Blocks => 2;

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor spins = Spins(x);
        return EnergyOf(spins, Neighbours(spins)).MoveToOuterDisposeScope();
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor spins = Spins(x);
        Tensor neighbours = Neighbours(spins);
        Tensor energy = EnergyOf(spins, neighbours);
        return (energy.MoveToOuterDisposeScope(), Pull(neighbours).mul_(Kept(-2)).MoveToOuterDisposeScope());
    }

    public void Resample(Tensor x, int block, double temperature, Tensor? labels, Tensor? held, Generator generator)
    {
        using DisposeScope scope = NewDisposeScope();
        // p(s_i = 1 | rest) = sigmoid(2 pull_i / T).
        Tensor up = Pull(Neighbours(Spins(x))).mul_(Kept(2 / temperature)).sigmoid_();
        Tensor drawn = rand(x.shape, generator: generator, device: x.device).less(up).to(x.dtype);
        Tensor changes = Colour(x, block);
        if (held is not null)
            changes = changes.logical_and(held.logical_not());
        x.copy_(where(changes, drawn, x));
    }

    private static Tensor Spins(Tensor x) => x.mul(Kept(2)).sub(Kept(1));

    /// <summary>coupling sum_neighbours s_j + field: minus the slope of E in s_i.</summary>
    private Tensor Pull(Tensor neighbours) => neighbours.mul(Kept(spec.Coupling)).add_(Kept(spec.Field), Kept(1));

    private Tensor EnergyOf(Tensor spins, Tensor neighbours) =>
        neighbours.mul(Kept(-spec.Coupling / 2)).sub(Kept(spec.Field)).mul(spins).flatten(1).sum([1], type: ScalarType.Float64);

    /// <summary>The sum of the two to four neighbours' spins.</summary>
    private static Tensor Neighbours(Tensor spins)
    {
        Tensor sum = zeros_like(spins);
        foreach (long dimension in new[] { spins.dim() - 2, spins.dim() - 1 })
        {
            long length = spins.shape[dimension] - 1;
            sum.narrow(dimension, 1, length).add_(spins.narrow(dimension, 0, length), Kept(1));
            sum.narrow(dimension, 0, length).add_(spins.narrow(dimension, 1, length), Kept(1));
        }
        return sum;
    }

    /// <summary>(height, width) bool: one colour of the checkerboard.</summary>
    private static Tensor Colour(Tensor x, int block)
    {
        Tensor row = arange(Kept(0L), Kept(x.shape[^2]), Kept(1L), device: x.device).unsqueeze(1), column = arange(Kept(0L), Kept(x.shape[^1]), Kept(1L), device: x.device);
        return row.add(column, Kept(1)).remainder(Kept(2)).eq(Kept(block));
    }
}
