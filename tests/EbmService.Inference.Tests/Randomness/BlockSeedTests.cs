using EbmService.Inference.Randomness;

namespace EbmService.Inference.Tests.Randomness;

public sealed class BlockSeedTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData((1L << 53) - 1)]
    public void Derive_BlocksOfOneSeed_DifferInWhatTheGeneratorTakes(long seed)
    {
        // libtorch's CPU generator takes the low 32 bits: by chance two of so many would be equal with a probability of 0.4.
        uint[] streams = [.. Enumerable.Range(0, 65_536).Select(index => (uint)BlockSeed.Derive(seed, index))];

        Assert.Equal(streams.Length, streams.Distinct().Count());
    }

    [Fact]
    public void Derive_NeighbouringSeedsAndIndices_ShareNoStream()
    {
        uint[] streams = [.. from seed in Enumerable.Range(0, 64) from index in Enumerable.Range(-1, 64) select (uint)BlockSeed.Derive(seed, index)];

        Assert.Equal(streams.Length, streams.Distinct().Count());
    }

    [Fact]
    public void Derive_SameArguments_IsTheSame() => Assert.Equal(BlockSeed.Derive(7, 3), BlockSeed.Derive(7, 3));
}
