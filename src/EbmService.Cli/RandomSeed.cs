using System.Security.Cryptography;
using EbmService.Core.Sampling;

namespace EbmService.Cli;

/// <summary>Seeds for requests that have none.</summary>
internal static class RandomSeed
{
    public static long New() => (long)(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))) & (ulong)SamplingSpecFactory.MaxSeed);
}
