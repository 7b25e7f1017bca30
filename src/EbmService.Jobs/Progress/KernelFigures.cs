using EbmService.Core.Jobs;

namespace EbmService.Jobs.Progress;

/// <summary>What kernels say of themselves, over the blocks of a job.</summary>
internal struct KernelFigures
{
    private double _accepted;
    private int _chains;

    /// <value>The mean over the chains of blocks that have the notion.</value>
    public readonly double? Acceptance => _chains > 0 ? _accepted / _chains : null;

    public long? DivergentTransitions { get; private set; }

    /// <value>The smallest.</value>
    public double? Ebfmi { get; private set; }

    public void Add(int chains, StepReport report)
    {
        if (report.Acceptance is { } acceptance && double.IsFinite(acceptance))
        {
            _accepted += chains * acceptance;
            _chains += chains;
        }
        if (report.DivergentTransitions is { } transitions)
            DivergentTransitions = (DivergentTransitions ?? 0) + transitions;
        if (report.Ebfmi is { } ebfmi && double.IsFinite(ebfmi))
            Ebfmi = Math.Min(Ebfmi ?? ebfmi, ebfmi);
    }
}
