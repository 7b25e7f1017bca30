using EbmService.Inference.Architectures;
using static TorchSharp.torch;

namespace EbmService.Inference.Networks;

/// <summary>The common part of energies made of layers: who differentiates, and the convolutions' copies of weights.</summary>
internal abstract class LayeredEnergyModel(IReadOnlyDictionary<string, Tensor> parameters) : EnergyModel(parameters)
{
    private readonly List<SquareConvolution> _convolutions = [];

    /// <value>Whether nobody trains the parameters here, so that the layers' own way back gives the gradient.</value>
    protected bool IsFrozen { get; } = parameters.Values.All(parameter => !parameter.requires_grad);

    internal override void RefreshCopies() => _convolutions.ForEach(convolution => convolution.Refresh());

    protected override void DisposeCopies() => _convolutions.ForEach(convolution => convolution.Dispose());

    /// <summary>A convolution by the parameters name.weight and, where there is one, name.bias.</summary>
    protected SquareConvolution Convolution(string name, int stride = 1)
    {
        var convolution = new SquareConvolution(Parameters[$"{name}.weight"], Parameters.GetValueOrDefault($"{name}.bias"), stride);
        _convolutions.Add(convolution);
        return convolution;
    }
}
