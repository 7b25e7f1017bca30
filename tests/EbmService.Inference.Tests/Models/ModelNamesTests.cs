using EbmService.Inference.Models;

namespace EbmService.Inference.Tests.Models;

public sealed class ModelNamesTests
{
    [Theory]
    [InlineData("mnist-jem", true)]
    [InlineData("1.0_a", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("-x", false)]
    [InlineData("a/b", false)]
    [InlineData("a b", false)]
    [InlineData("a\n", false)]
    [InlineData("é", false)]
    public void IsValid_Name_FollowsTheRule(string? name, bool expected) => Assert.Equal(expected, ModelNames.IsValid(name));

    [Fact]
    public void IsValid_Length_IsAtMost64()
    {
        Assert.True(ModelNames.IsValid(new string('a', 64)));
        Assert.False(ModelNames.IsValid(new string('a', 65)));
    }

    [Fact]
    public void VersionOrder_Sorts_NumbersByValue()
    {
        string[] sorted = ["1", "01", "2", "10", "1.9", "1.10", "v2", "v10", "1.9-a", "99999999999999999999999",
            "100000000000000000000000"];

        Array.Sort(sorted, VersionOrder.Instance);

        Assert.Equal(["01", "1", "1.9", "1.9-a", "1.10", "2", "10", "99999999999999999999999", "100000000000000000000000",
            "v2", "v10"], sorted);
    }
}
