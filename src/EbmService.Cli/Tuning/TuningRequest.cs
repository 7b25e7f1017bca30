using EbmService.Core.Models;
using EbmService.Core.Sampling;

namespace EbmService.Cli.Tuning;

/// <summary>What to measure.</summary>
internal sealed record TuningRequest
{
    public required HostedModel Model { get; init; }

    public SamplingPrecision Precision { get; init; }

    /// <value>Chains advanced together.</value>
    public IReadOnlyList<int> BlockSizes { get; init; } = [4, 8, 16, 32, 64, 128];

    /// <value>How often every combination is measured, one after the other each time.</value>
    public int Rounds { get; init; } = 5;

    /// <value>Of one measurement.</value>
    public TimeSpan Length { get; init; } = TimeSpan.FromSeconds(0.4);
}
