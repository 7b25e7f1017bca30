using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Architectures;

/// <summary>The first example of every family, and three inputs for it.</summary>
internal static class EnergyCases
{
    public static (IEnergyModel Model, Tensor X) Create(string kind) => Create(Example(kind), 3);

    public static (IEnergyModel Model, Tensor X) Create(ArchitectureExample example, int rows)
    {
        using var generator = new Generator(11UL);
        IEnergyModel model = example.Spec.Family().TakesModule
            ? Load(example, ScalarType.Float32)
            : EnergyModelFactory.Create(example.Spec, EnergyModelFactory.Initialise(example.Spec, example.Input, generator));
        Tensor x = randn([rows, .. example.Input.Shape.Select(size => (long)size)], generator: generator);
        return (model, x);
    }

    /// <summary>The example's model itself in float32, else a copy of it.</summary>
    public static IEnergyModel In(ArchitectureExample example, IEnergyModel model, ScalarType precision) =>
        precision == ScalarType.Float32 ? model
        : example.Spec.Family().TakesModule ? Load(example, precision)
        : EnergyModelFactory.Frozen(example.Spec, model.Parameters, precision);

    /// <summary>The module file of an example of a family that takes one, which PyTorch made.</summary>
    public static byte[]? Module(ArchitectureExample example) =>
        example.Spec.Family().TakesModule ? TorchScriptFixtures.Bytes($"{example.Name}.pt") : null;

    private static IEnergyModel Load(ArchitectureExample example, ScalarType precision) =>
        EnergyModelFactory.Load(example.Spec, example.Input, Module(example)!, precision, CPU);

    public static (ArchitectureSpec Spec, InputSchema Input) Describe(string kind) => (Example(kind).Spec, Example(kind).Input);

    /// <summary>Of a family's kind, or kind/example.</summary>
    public static ArchitectureExample Example(string name)
    {
        string[] parts = name.Split('/');
        IReadOnlyList<ArchitectureExample> examples = ArchitectureRegistry.All.Single(family => family.Kind == parts[0]).Examples;
        return parts.Length == 1 ? examples[0] : examples.Single(example => example.Name == parts[1]);
    }
}
