namespace EbmService.Core.Sampling;

/// <summary>The largest sampling job this server takes.</summary>
/// <param name="MaxChains">Chains of one job.</param>
/// <param name="MaxSteps">Steps of one chain.</param>
/// <param name="MaxElementSteps">Chains x steps x numbers in one input.</param>
public sealed record SamplingPolicy(int MaxChains = 65_536, int MaxSteps = 1_000_000, double MaxElementSteps = 1e12);
