using EbmService.Inference.Diagnostics;

namespace EbmService.Inference.Tests.Diagnostics;

public sealed class ChainDrawsTests
{
    [Fact]
    public void SideBySide_BlocksOfDifferentLength_KeepsChainsInOrderAndCommonDraws()
    {
        ChainDraws first = ChainDraws.From([1.0, 2, 3, 4, 5, 6], 2), second = ChainDraws.From([7f, 8], 1);

        ChainDraws sut = ChainDraws.SideBySide([first, second]);

        Assert.Equal((2, 3), (sut.Draws, sut.Chains));
        Assert.Equal([1, 2, 7, 3, 4, 8], sut.Values.ToArray());
    }

    [Fact]
    public void Skip_WarmUp_LeavesTheRest()
    {
        ChainDraws sut = ChainDraws.From([1.0, 2, 3, 4, 5, 6], 2);

        Assert.Equal([3, 4, 5, 6], sut.Skip(1).Values.ToArray());
        Assert.Equal(0, sut.Skip(3).Draws);
    }

    [Fact]
    public void From_IncompleteDraw_Throws()
    {
        Assert.Throws<ArgumentException>(() => ChainDraws.From([1.0, 2, 3], 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ChainDraws.From([1.0], 0));
        Assert.Throws<ArgumentException>(() => ChainDraws.SideBySide([]));
    }
}
