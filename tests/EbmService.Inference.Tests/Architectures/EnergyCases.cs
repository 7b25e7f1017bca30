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
        IEnergyModel model = EnergyModelFactory.Create(example.Spec, EnergyModelFactory.Initialise(example.Spec, example.Input, generator));
        Tensor x = randn([rows, .. example.Input.Shape.Select(size => (long)size)], generator: generator);
        return (model, x);
    }

    public static (ArchitectureSpec Spec, InputSchema Input) Describe(string kind) => (Example(kind).Spec, Example(kind).Input);

    /// <summary>Of a family's kind, or kind/example.</summary>
    public static ArchitectureExample Example(string name)
    {
        string[] parts = name.Split('/');
        IReadOnlyList<ArchitectureExample> examples = ArchitectureRegistry.All.Single(family => family.Kind == parts[0]).Examples;
        return parts.Length == 1 ? examples[0] : examples.Single(example => example.Name == parts[1]);
    }
}
