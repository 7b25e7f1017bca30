using EbmService.Core.Models;
using EbmService.Core.Tensors;
using EbmService.Inference.Assessment;

namespace EbmService.Inference.Tests.Assessment;

public sealed class SyntheticOodTests
{
    private static readonly InputSchema Input = new(InputKind.Image, [1, 3, 2], -1, 1);

    [Fact]
    public void Flipped_TwoImages_ReversesTheRowsOfEach()
    {
        var images = new TensorPayload([2, 1, 3, 2], [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16]);

        TensorPayload flipped = SyntheticOod.Flipped(images);

        Assert.Equal([5, 6, 3, 4, 1, 2, 15, 16, 13, 14, 11, 12], flipped.Values);
    }

    [Fact]
    public void Inverted_Image_MirrorsTheRange()
    {
        TensorPayload inverted = SyntheticOod.Inverted(new TensorPayload([1, 1, 3, 2], [-1, 1, 0, 0.5f, -1, -1]), Input);

        Assert.Equal([1, -1, 0, -0.5f, 1, 1], inverted.Values);
    }

    [Fact]
    public void Constant_ManyImages_HaveOneValueEachAndDiffer()
    {
        TensorPayload images = SyntheticOod.Constant(Input, 20, seed: 3);

        Assert.All(Enumerable.Range(0, 20), i => Assert.Single(images.Row(i).ToArray().Distinct()));
        Assert.Equal(20, images.Values.Distinct().Count());
        Assert.All(images.Values, value => Assert.InRange(value, -1, 1));
    }

    [Fact]
    public void UniformNoise_SameSeed_RepeatsAndFillsTheRange()
    {
        TensorPayload noise = SyntheticOod.UniformNoise(Input, 500, seed: 3);

        Assert.Equal(noise.Values, SyntheticOod.UniformNoise(Input, 500, seed: 3).Values);
        Assert.InRange(noise.Values.Min(), -1, -0.99f);
        Assert.InRange(noise.Values.Max(), 0.99f, 1);
    }
}
