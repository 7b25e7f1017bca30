using EbmService.Core.Devices;
using EbmService.Inference.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.TorchScript;

/// <summary>
/// The energy that a TorchScript network's output stands for. The network computes in its own precision, its last layer too; what is made
/// of the output is float64. Gradients are by autograd.
/// </summary>
/// <param name="spec">What the output is.</param>
/// <param name="module">Owned by this model from now on.</param>
/// <param name="byRow">
/// Whether rows go through the network one by one, where the machine's kernels give a row other last bits by its place in a batch
/// (<see cref="TorchScriptTrial"/>).
/// </param>
internal sealed class TorchScriptEnergy(TorchScriptSpec spec, TorchScriptModule module, bool byRow = false) : EnergyModel(module.Parameters)
{
    public override int Classes => spec.Classes;

    public override Tensor? Logits(Tensor x) => spec.Output == ModuleOutput.Logits ? Output(x) : null;

    public override Tensor Energy(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor output = Output(x);
        Tensor energy = spec.Output switch
        {
            ModuleOutput.Logits => EnergyOfLogits(output, labels),
            ModuleOutput.UnnormalizedLogDensity => output.neg(),
            _ => output,
        };
        return energy.MoveToOuterDisposeScope();
    }

    public override (Tensor Energy, Tensor Gradient) EnergyAndGradient(Tensor x, Tensor? labels = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor input = x.detach().requires_grad_(true);
        Tensor energy = Energy(input, labels);
        SafePoint.Reach();
        Tensor gradient = module.Gradient(energy.sum(), input).contiguous();
        return (energy.detach().MoveToOuterDisposeScope(), gradient.MoveToOuterDisposeScope());
    }

    protected override void DisposeCopies() => module.Dispose();

    /// <returns>(n, classes) of logits, else (n); float64, nobody else's memory.</returns>
    private Tensor Output(Tensor x)
    {
        if (!byRow || x.shape[0] == 1)
            return Whole(x);
        using DisposeScope scope = NewDisposeScope();
        return cat([.. x.split(1).Select(Whole)]).MoveToOuterDisposeScope();
    }

    /// <exception cref="InvalidModelException">The network gives another shape.</exception>
    private Tensor Whole(Tensor x)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor output = module.Forward(x, spec.OutputIndex);
        long rows = x.shape[0];
        if (spec.Output != ModuleOutput.Logits && output.shape.SequenceEqual([rows, 1]))
            output = output.squeeze(1);
        long[] expected = spec.Output == ModuleOutput.Logits ? [rows, spec.Classes] : [rows];
        if (!output.shape.SequenceEqual(expected))
        {
            throw new InvalidModelException(
                $"'{ModelFiles.Module}' gives [{string.Join(", ", output.shape)}] for {rows} inputs; "
                + $"[{string.Join(", ", expected)}] is expected");
        }
        return output.to(ScalarType.Float64, copy: true).MoveToOuterDisposeScope();
    }
}
