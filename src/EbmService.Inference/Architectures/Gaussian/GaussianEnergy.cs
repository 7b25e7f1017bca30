using EbmService.Inference.Numerics;
using TorchSharp;
using static EbmService.Inference.Devices.Scalars;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.Gaussian;

/// <summary>E(x) = (x - m)' P (x - m) / 2 over vectors (n, d); gradient (x - m) P. Moments and log Z are known: a test oracle.</summary>
public sealed class GaussianEnergy(GaussianSpec spec, Device? device = null)
    : EnergyModel(Constants(spec, device ?? CPU))
{
    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor centred = x.to(ScalarType.Float64).sub(Parameters["mean"]);
        return NativePrimitives.Product(centred, Parameters["precision"]).mul(centred).sum(1).mul(Kept(0.5)).MoveToOuterDisposeScope();
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor centred = x.to(ScalarType.Float64).sub(Parameters["mean"]);
        Tensor gradient = NativePrimitives.Product(centred, Parameters["precision"]);
        Tensor energy = gradient.mul(centred).sum(1).mul(Kept(0.5));
        return (energy.MoveToOuterDisposeScope(), gradient.to(ScalarType.Float32).MoveToOuterDisposeScope());
    }

    private static Dictionary<string, Tensor> Constants(GaussianSpec spec, Device device)
    {
        long dimension = spec.Mean.Count;
        double[] mean = [.. spec.Mean];
        double[] precision = [.. spec.Precision.SelectMany(row => row)];
        return new()
        {
            ["mean"] = tensor(mean, device: device).DetachFromDisposeScope(),
            ["precision"] = tensor(precision, [dimension, dimension], device: device).DetachFromDisposeScope(),
        };
    }
}
