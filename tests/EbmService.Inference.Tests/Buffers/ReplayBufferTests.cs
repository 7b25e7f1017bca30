using EbmService.Core.Models;
using EbmService.Inference.Buffers;
using TorchSharp;
using static TorchSharp.torch;

namespace EbmService.Inference.Tests.Buffers;

public sealed class ReplayBufferTests
{
    private static readonly InputSchema Input = new(InputKind.Vector, [2], -3, 3);

    [Fact]
    public void Draw_WithLabels_StaysInTheClassSegments()
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(1UL);
        using ReplayBuffer sut = Numbered(40, classes: 4);
        int[] labels = [.. Enumerable.Range(0, 200).Select(i => i % 4)];

        (Tensor starts, long[] slots, bool[] fresh) = sut.Draw(labels, 0, generator);

        Assert.DoesNotContain(true, fresh);
        Assert.All(slots.Zip(labels), pair => Assert.Equal(pair.Second, pair.First % 4));
        // With replacement, 50 draws from 10 slots of a class: nearly all slots turn up.
        Assert.InRange(slots.Distinct().Count(), 35, 40);
        Assert.Equal(slots.Select(slot => (float)slot), starts.select(1, 0).clone().data<float>().ToArray());
    }

    [Fact]
    public void Draw_FreshShare_ReplacesThatShareByBasePoints()
    {
        using DisposeScope scope = NewDisposeScope();
        using var generator = new Generator(2UL);
        using ReplayBuffer sut = Numbered(100, classes: 0, offset: 1000);

        (Tensor starts, _, bool[] fresh) = sut.Draw([.. Enumerable.Repeat(-1, 4000)], 0.25, generator);

        float[] first = starts.select(1, 0).clone().data<float>().ToArray();
        // Four standard errors of a share of 0.25 over 4000 draws are 0.027.
        Assert.Equal(0.25, first.Count(value => value is >= -3 and <= 3) / 4000.0, 0.028);
        Assert.Equal(first.Select(value => value is >= -3 and <= 3), fresh);
    }

    [Fact]
    public void Store_WritesBackToTheSlotsAndNothingElse()
    {
        using DisposeScope scope = NewDisposeScope();
        using ReplayBuffer sut = Numbered(6, classes: 0);

        sut.Store([4, 1, 4], tensor(new float[] { -1, -1, -2, -2, -3, -3 }, [3, 2]));

        Assert.Equal([0, -2, 2, 3, -3, 5], sut.States.select(1, 0).clone().data<float>().ToArray());
    }

    [Fact]
    public void Draw_SameGenerator_SameBits()
    {
        using DisposeScope scope = NewDisposeScope();
        using ReplayBuffer sut = Numbered(50, classes: 0);
        using var one = new Generator(9UL);
        using var two = new Generator(9UL);
        int[] any = [.. Enumerable.Repeat(-1, 30)];

        Assert.Equal(
            sut.Draw(any, 0.3, one).Starts.data<float>().ToArray(),
            sut.Draw(any, 0.3, two).Starts.data<float>().ToArray());
    }

    private static ReplayBuffer Numbered(int size, int classes, float offset = 0)
    {
        float[] values = [.. Enumerable.Range(0, size).SelectMany(i => new[] { i + offset, i + offset })];
        return new ReplayBuffer(tensor(values, [size, 2]), classes, Input);
    }
}
