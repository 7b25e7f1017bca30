namespace EbmService.Inference.Randomness;

/// <summary>Derives the seeds of independent streams from one seed and an index with SplitMix64 (Steele et al. 2014).</summary>
public static class BlockSeed
{
    /// <summary>The generator seed of stream <paramref name="index"/>; a pure function of its arguments.</summary>
    public static ulong Derive(long seed, long index) =>
        Mix(Mix((ulong)seed + 0x9E3779B97F4A7C15) ^ ((ulong)index * 0xBF58476D1CE4E5B9 + 0x94D049BB133111EB));

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
