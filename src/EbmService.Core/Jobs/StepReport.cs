using EbmService.Core.Diagnostics;

namespace EbmService.Core.Jobs;

/// <summary>What a block says after a quantum.</summary>
/// <param name="Step">Steps done so far.</param>
/// <param name="Done">Whether the block has nothing left to do.</param>
public sealed record StepReport(int Step, bool Done)
{
    /// <value>Mean E(x) over the block's finite chains, at the latest step.</value>
    public double EnergyMean { get; init; }

    /// <value>Mean gradient norm over the block's finite chains, at the latest step.</value>
    public double GradientNorm { get; init; }

    /// <value>Chains that left the finite numbers and were frozen at their last finite state.</value>
    public int Diverged { get; init; }

    /// <value>Mean acceptance probability since the warm-up; null for kernels that accept everything.</value>
    public double? Acceptance { get; init; }

    /// <value>Transitions since the warm-up whose energy error was too large (HMC: |dH| over 1000), over all chains; null for kernels without the notion.</value>
    public long? DivergentTransitions { get; init; }

    /// <value>The smallest energy Bayesian fraction of missing information of the block's chains; flag below 0.3. Null where there is none.</value>
    public double? Ebfmi { get; init; }

    /// <value>The draws so far, where the budget asked for them and always when done.</value>
    public ChainSeries? Series { get; init; }

    /// <value>Drawn when a multiple of previewEvery was passed in this quantum, by the first block only.</value>
    public PreviewFrame? Preview { get; init; }
}

/// <summary>A picture of a block's chains.</summary>
public sealed record PreviewFrame(int Step, byte[] Png);
