using System.Runtime.InteropServices;
using EbmService.Core.Models;
using EbmService.Core.Queries;
using EbmService.Inference.Buffers;
using EbmService.Inference.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.TorchScript;

/// <summary>
/// Tries a network out before it is served, for its code is not this product's: that it takes the input and gives the output that
/// model.json names, the same for the same input, each row whatever the other rows are, with a gradient; and that the machine's kernels
/// compute what the module itself gives in float64.
/// </summary>
internal sealed class TorchScriptTrial(
    TorchScriptEnergy energy, TorchScriptEnergy exact, InputSchema input, Device device, ScalarType precision)
{
    private const int Rows = ModelQuery.TileRows;
    private const int Own = 3;
    private const ulong Seed = 10;

    /// <summary>Of gradients, relative to their norm. Wrong kernels (docs/adr/0009) are off by 0.2 and more.</summary>
    private double Tolerance => precision == ScalarType.BFloat16 ? 0.15 : 1e-3;

    /// <returns>Whether a row has the same bits in another place among the same rows.</returns>
    /// <exception cref="InvalidModelException">The network can't be served; the message says why.</exception>
    public bool Run()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable graph = enable_grad();
        using var generator = new Generator(Seed);
        Tensor x = ReplayBuffer.FromBase(Rows, input, generator, CPU).to(device);
        Tensor strangers = ReplayBuffer.FromBase(Rows, input, generator, CPU).to(device);
        strangers[Own].copy_(x[Own]);
        try
        {
            (Tensor energies, Tensor gradients) = energy.EnergyAndGradient(x);
            Require(energies.isfinite().all() & gradients.isfinite().all(), "gives NaN or infinity");
            (Tensor again, Tensor gradientsAgain) = energy.EnergyAndGradient(x);
            Require(energies.eq(again).all() & gradients.eq(gradientsAgain).all(),
                "gives other numbers for the same input: it draws random numbers, as dropout does that is on in evaluation mode");
            (Tensor among, Tensor gradientsAmong) = energy.EnergyAndGradient(strangers);
            Require(energies[Own].eq(among[Own]).all() & gradients[Own].eq(gradientsAmong[Own]).all(),
                "gives a row other numbers beside other rows, as batch norm does that takes a batch's statistics: export it after model.eval()");
            Compare(x, gradients);
            (Tensor moved, Tensor gradientsMoved) = energy.EnergyAndGradient(x.roll(1, 0));
            return (energies.roll(1, 0).eq(moved).all() & gradients.roll(1, 0).eq(gradientsMoved).all()).ToBoolean();
        }
        catch (ExternalException e)
        {
            throw new InvalidModelException($"'{ModelFiles.Module}' fails on this model's input: {TorchScriptModule.Reason(e)}", e);
        }
    }

    private void Compare(Tensor x, Tensor gradients)
    {
        Tensor expected;
        try
        {
            expected = exact.EnergyAndGradient(x.cpu()).Gradient;
        }
        catch (ExternalException)
        {
            // Not every module converts: constants of a frozen one stay as they are.
            return;
        }
        double distance = gradients.cpu().sub(expected).norm().ToDouble(), size = expected.norm().ToDouble();
        if (!(distance <= Tolerance * size))
        {
            throw new InvalidModelException(FormattableString.Invariant(
                $"'{ModelFiles.Module}' gives gradients on this machine that are {distance / size:G2} of their size off those in float64"));
        }
    }

    private static void Require(Tensor holds, string fault)
    {
        if (!holds.ToBoolean())
            throw new InvalidModelException($"'{ModelFiles.Module}' {fault}");
    }
}
