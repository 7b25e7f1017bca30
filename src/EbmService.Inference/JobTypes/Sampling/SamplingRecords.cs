using System.Globalization;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Inference.Diagnostics;
using EbmService.Inference.Formats;
using EbmService.Inference.Samplers;

namespace EbmService.Inference.JobTypes.Sampling;

/// <summary>All that is written down of a block's chains as they go: trace, draws for the diagnostics, trajectory, energy changes.</summary>
internal sealed class SamplingRecords(IJobLogs logs, JobDefinition job, BlockPlan block, int length)
{
    private readonly int _warmup = ((SamplingSpec)job.Spec).Warmup;
    private readonly ChainTrace _trace = new(block.Count);
    private readonly EnergyChanges _changes = new(block.Count, ((SamplingSpec)job.Spec).Warmup);
    private readonly ChainTrajectory _trajectory = new(logs, job, block, length);

    public ChainSeriesRecorder Series { get; } = new((SamplingSpec)job.Spec, block, length);

    /// <value>The smallest of the chains; null for kernels without momentum refreshment.</value>
    public double? Ebfmi => _changes.Smallest;

    /// <summary>Writes down the step just done.</summary>
    public void Record(ChainState state)
    {
        _trace.Record(state);
        Series.Record(state);
        _trajectory.Record(state);
        _changes.Record(state);
    }

    public void Save(Dictionary<string, SafetensorsTensor> tensors, Dictionary<string, string> metadata)
    {
        _trace.Save(tensors);
        _trajectory.Save(metadata);
        Series.Save(tensors, metadata);
        _changes.Save(tensors);
    }

    public void Restore(SafetensorsFile file)
    {
        _trace.Restore(file);
        _trajectory.Restore(file);
        Series.Restore(file);
        _changes.Restore(file);
    }

    /// <summary>Adds everything to a block's result.</summary>
    public byte[] Write(Dictionary<string, SafetensorsTensor> tensors, ChainState state)
    {
        ChainCounts counts = ChainCounts.Of(state, _warmup);
        var metadata = new Dictionary<string, string> { ["step"] = state.Step.ToString(CultureInfo.InvariantCulture) };
        Add(metadata, "acceptance", counts.Acceptance);
        Add(metadata, "divergentTransitions", counts.DivergentTransitions);
        Add(metadata, "ebfmi", Ebfmi);
        Add(metadata, "stepSize", ChainCounts.StepSize(state));
        float[] swaps = ChainCounts.SwapAcceptance(state);
        tensors["swapAcceptance"] = SafetensorsTensor.FromFloats(swaps, [swaps.Length]);
        _trace.SaveClosed(tensors, state);
        _trajectory.Save(metadata);
        Series.Save(tensors, metadata);
        return SafetensorsFile.Write(tensors, metadata);
    }

    private static void Add<T>(Dictionary<string, string> metadata, string name, T? value) where T : struct, IFormattable
    {
        if (value is { } known)
            metadata[name] = known.ToString(null, CultureInfo.InvariantCulture);
    }
}
