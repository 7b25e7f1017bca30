namespace EbmService.Inference.Randomness;

/// <summary>Derives the seeds of independent streams from one seed and an index.</summary>
/// <remarks>
/// libtorch's CPU generator (mt19937) takes a seed's low 32 bits alone. They are a bijection of the index, so that no two streams
/// of one seed are the same; the high 32 bits are for generators that take them.
/// </remarks>
public static class BlockSeed
{
    /// <summary>The generator seed of stream <paramref name="index"/>; a pure function of its arguments.</summary>
    public static ulong Derive(long seed, long index)
    {
        ulong key = Mix((ulong)seed + 0x9E3779B97F4A7C15);
        uint low = Mix32(unchecked((uint)key + (uint)index * 0x9E3779B9u));
        ulong high = Mix(key ^ ((ulong)index * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB));
        return (high & 0xFFFFFFFF_00000000) | low;
    }

    /// <summary>A seed of <see cref="Random"/>, which takes 31 bits: all of the seed's count.</summary>
    public static int OfRandom(long seed) => (int)((seed ^ (seed >> 31)) & 0x7fffffff);

    /// <summary>The finaliser of SplitMix64 (Steele et al. 2014).</summary>
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>The finaliser of MurmurHash3: a bijection of 32 bits.</summary>
    private static uint Mix32(uint h)
    {
        h = (h ^ (h >> 16)) * 0x85EBCA6B;
        h = (h ^ (h >> 13)) * 0xC2B2AE35;
        return h ^ (h >> 16);
    }
}
