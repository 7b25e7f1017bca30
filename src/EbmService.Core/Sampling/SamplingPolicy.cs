namespace EbmService.Core.Sampling;

/// <summary>The largest sampling job this server takes.</summary>
/// <param name="MaxChains">Chains of one job.</param>
/// <param name="MaxSteps">Steps of one chain.</param>
/// <param name="MaxElementSteps">Gradients (chains x replicas x steps x leapfrog steps) x numbers in one input.</param>
/// <param name="MaxResultNumbers">Chains x kept states x numbers in one input: the result is held in memory once, as float32.</param>
/// <param name="MaxInlineNumbers">Numbers of a tensor inside a spec, which travels with every answer about the job.</param>
public sealed record SamplingPolicy(
    int MaxChains = 65_536, int MaxSteps = 1_000_000, double MaxElementSteps = 1e12, double MaxResultNumbers = 1 << 28,
    int MaxInlineNumbers = 1 << 17)
{
    public static SamplingPolicy From(Jobs.JobLimits limits) =>
        new(limits.MaxItems, limits.MaxSteps, limits.MaxElementSteps, limits.MaxResultNumbers, limits.MaxInlineNumbers);
}
