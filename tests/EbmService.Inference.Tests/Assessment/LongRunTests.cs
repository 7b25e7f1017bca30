using EbmService.Core.Models;
using EbmService.Inference.Assessment;

namespace EbmService.Inference.Tests.Assessment;

public sealed class LongRunTests
{
    [Theory]
    [InlineData("0111100", 11, 50)]
    [InlineData("1111111", 1, 70)]
    [InlineData("0010111", 21, 30)]
    [InlineData("0000001", 61, 70)]
    [InlineData("0000000", 0, 0)]
    public void RangeOf_Draws_IsTheFirstRunOfValidOnes(string valid, int from, int to)
    {
        LongRunDraw[] draws = [.. valid.Select((mark, i) => new LongRunDraw(10 * (i + 1), 0, 0, mark == '1'))];

        Assert.Equal(from == 0 ? null : new StepRange(from, to, 70), LongRunAssessment.RangeOf(draws, 70));
    }
}
