using EbmService.Core.Models;
using EbmService.Inference.Architectures;
using EbmService.Inference.Architectures.Igebm;
using EbmService.Inference.Architectures.Mlp;
using EbmService.Inference.Architectures.WideResNet;
using EbmService.Inference.Importing;

namespace EbmService.Inference.Tests.Importing;

/// <summary>A checkpoint that PyTorch made, and the descriptor that it is read by.</summary>
/// <param name="Name">Of the fixture.</param>
/// <param name="Source">Whose names it has.</param>
/// <param name="Labels">Of its given energies E(x, y); null for E(x).</param>
internal sealed record ImportCase(
    string Name, string Source, ArchitectureSpec Spec, InputSchema Input, int Classes = 0, long[]? Labels = null)
{
    public static IReadOnlyList<ImportCase> All { get; } =
    [
        new("jem", "jem", new WideResNetSpec(10, 1, 10), Picture(3, 32, -1), 10),
        new("jem-norm", "jem", new WideResNetSpec(10, 1, 4, Norm: true), Picture(1, 32, -1), 4),
        new("igebm", "igebm-pytorch", Igebm(0), Picture(3, 16, 0)),
        new("igebm-classes", "igebm-pytorch", Igebm(3), Picture(3, 16, 0), 3, [2, 0, 1]),
        new("igebm-mnist", "igebm-pytorch", new IgebmSpec(8, [new(8, true), new(12, true), new(12)]), Picture(1, 28, 0)),
        new("plain-mlp", "plain", new MlpSpec([8]), new InputSchema(InputKind.Vector, [2], 0, 1)),
    ];

    public ModelDescriptor Descriptor => new()
    {
        Name = Name, Title = Name, Architecture = Spec, Input = Input,
            Labels = [.. Enumerable.Range(0, Classes).Select(label => $"class {label}")],
    };

    public CheckpointSource SourceTable => CheckpointSource.All.Single(source => source.Name == Source);

    public CheckpointLayout Layout() => CheckpointLayout.Find(CheckpointLayout.Read(PyTorchFixtures.PathOf($"{Name}.pt")), null);

    public CheckpointImport Import(bool bufferByClass = false) => CheckpointImport.Create(Layout(), SourceTable, Descriptor, bufferByClass);

    private static IgebmSpec Igebm(int classes) => new(8, [new(8, true), new(8), new(12, true), new(12)], classes);

    private static InputSchema Picture(int channels, int side, double min) => new(InputKind.Image, [channels, side, side], min, 1);
}
