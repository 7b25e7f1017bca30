using EbmService.Core.Models;
using EbmService.Core.Sampling;
using EbmService.Inference.Models;
using static EbmService.Inference.Architectures.ArchitectureShapes;
using static TorchSharp.torch;

namespace EbmService.Inference.Architectures.TorchScript;

/// <summary>What a network's output says of the energy.</summary>
public enum ModuleOutput
{
    /// <summary>E(x), (n) or (n, 1).</summary>
    Energy,

    /// <summary>-E(x), (n) or (n, 1).</summary>
    UnnormalizedLogDensity,

    /// <summary>f(x), (n, classes), of a classifier read as a joint energy model: E(x,y) = -f(x)[y], E(x) = -logsumexp_y f(x)[y].</summary>
    Logits,
}

/// <summary>A network that is the version's own file, in TorchScript, instead of weights for one of this product's networks.</summary>
/// <param name="Output">What the output is.</param>
/// <param name="Classes">Of logits, 2 or more; 0 else.</param>
/// <param name="OutputIndex">Which one of a network that gives several, from 0.</param>
/// <param name="Bfloat16">
/// Whether chains may walk on it in bfloat16. The whole module is converted, the layer that makes the energy too, so energies come in
/// steps of up to 1/128 of their size.
/// </param>
/// <param name="Activations">
/// Numbers in all layers together for one input, for limits on memory; 0 for 32 times the input's numbers.
/// </param>
public sealed record TorchScriptSpec(
    ModuleOutput Output, int Classes = 0, int OutputIndex = 0, bool Bfloat16 = false, long Activations = 0) : ArchitectureSpec;

/// <inheritdoc cref="TorchScriptSpec"/>
internal sealed class TorchScriptArchitecture : Architecture<TorchScriptSpec>
{
    private const int AssumedActivationsPerNumber = 32;

    public override string Kind => "torchscript";

    public override bool TakesModule => true;

    public override IReadOnlyList<ArchitectureExample> Examples { get; } =
    [
        new("classifier", new TorchScriptSpec(ModuleOutput.Logits, 4, Bfloat16: true), new InputSchema(InputKind.Image, [1, 8, 8], -1, 1)),
        new("colour", new TorchScriptSpec(ModuleOutput.Logits, 6, Bfloat16: true), new InputSchema(InputKind.Image, [3, 8, 8], 0, 1)),
        new("energy", new TorchScriptSpec(ModuleOutput.Energy, Bfloat16: true), new InputSchema(InputKind.Vector, [3], -3, 3)),
        new("density", new TorchScriptSpec(ModuleOutput.UnnormalizedLogDensity, OutputIndex: 1),
            new InputSchema(InputKind.Vector, [5], 0, 1, VariableKind.Binary)),
    ];

    protected override IReadOnlyList<VariableKind> Variables => [VariableKind.Continuous, VariableKind.Binary, VariableKind.Categorical];

    public override IEnergyModel Load(ArchitectureSpec spec, InputSchema input, byte[] module, ScalarType precision, Device device)
    {
        var description = (TorchScriptSpec)spec;
        TorchScriptModule loaded = TorchScriptModule.Load(module, precision, device);
        var energy = new TorchScriptEnergy(description, loaded);
        try
        {
            using var exact = new TorchScriptEnergy(description, TorchScriptModule.Load(module, ScalarType.Float64, CPU));
            bool keepsBits = new TorchScriptTrial(energy, exact, input, device, precision).Run();
            return keepsBits ? energy : new TorchScriptEnergy(description, loaded, byRow: true);
        }
        catch
        {
            energy.Dispose();
            throw;
        }
    }

    protected override ModelCapabilities Describe(TorchScriptSpec spec, ModelCapabilities common) => common with
    {
        Classes = spec.Classes,
        Precisions = spec.Bfloat16 ? [SamplingPrecision.Float32, SamplingPrecision.Bfloat16] : [SamplingPrecision.Float32],
    };

    protected override IEnumerable<string> Faults(TorchScriptSpec spec, InputSchema input)
    {
        if (spec.Output == ModuleOutput.Logits && spec.Classes is < 2 or > ModelLimits.MaxClasses)
            yield return $"architecture gives logits, so it needs classes, 2 to {ModelLimits.MaxClasses}";
        if (spec.Output != ModuleOutput.Logits && spec.Classes != 0)
            yield return "architecture has classes, but its output is no logits";
        if (spec.OutputIndex < 0)
            yield return "architecture needs an outputIndex of at least 0";
    }

    /// <remarks>The parameters are the module's own.</remarks>
    protected override ArchitectureShapes Shapes(TorchScriptSpec spec, InputSchema input)
    {
        Require(spec.Activations >= 0, "has activations below 0");
        return new(new Dictionary<string, long[]>(),
            spec.Activations > 0 ? spec.Activations : checked((long)AssumedActivationsPerNumber * input.Length()));
    }

    protected override IEnergyModel Create(TorchScriptSpec spec, IReadOnlyDictionary<string, Tensor> parameters, Device device) =>
        throw new NotSupportedException($"a network of kind {Kind} is its module file: it is loaded, not created");
}
