using EbmService.Core.Models;
using EbmService.Inference.Architectures.Boltzmann;
using EbmService.Inference.Formats;
using EbmService.Inference.Imaging;
using EbmService.Inference.Models;
using EbmService.Inference.Tests.Models;
using SkiaSharp;

namespace EbmService.Inference.Tests.Imaging;

public sealed class FilterGridTests
{
    /// <summary>A deep machine of two by two pixels: of its first layer, each unit in its own range; the second layer's weights are nowhere.</summary>
    [Fact]
    public void Render_DeepMachine_ScalesEachUnitsWeightsToTheVisibleUnitsAboutZero()
    {
        using var repository = new TestRepository();
        repository.WriteDescriptor(new ModelDescriptor
        {
            Name = "deep", Title = "deep", Architecture = new DbmSpec([2, 1], [1, 2, 2]), Input = new InputSchema(InputKind.Vector, [7], 0, 1, VariableKind.Binary),
        });
        ModelVersionWriter.Write(repository.Folder("deep"), "1", new ModelVersionContent
        {
            Weights = new Dictionary<string, SafetensorsTensor>
            {
                ["visible.bias"] = SafetensorsTensor.FromFloats([9, 9, 9, 9], [4]),
                ["layer1.weight"] = SafetensorsTensor.FromFloats([1, -2, 0, 2, 0.1f, 0, 0, 0], [2, 4]),
                ["layer1.bias"] = SafetensorsTensor.FromFloats([9, 9], [2]),
                ["layer2.weight"] = SafetensorsTensor.FromFloats([9, 9], [1, 2]),
                ["layer2.bias"] = SafetensorsTensor.FromFloats([9], [1]),
            },
        });

        (byte[] png, int units) = FilterGrid.Render(repository.Open().Load(new ModelKey("deep", "1")).OrThrow(), 100);

        Assert.Equal(2, units);
        using SKBitmap picture = TestPng.Decode(png);
        int[] Levels(int left) => [.. new[] { (0, 0), (2, 0), (0, 2), (2, 2) }.Select(at => (int)picture.GetPixel(left + at.Item1, 2 + at.Item2).Red)];
        Assert.Equal([191, 0, 128, 255], Levels(2));
        Assert.Equal([255, 128, 128, 128], Levels(8));
    }
}
