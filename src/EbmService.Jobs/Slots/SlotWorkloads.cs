using EbmService.Core.Jobs;
using EbmService.Jobs.Lifecycle;
using EbmService.Jobs.Recording;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Slots;

/// <summary>The workloads open on one slot. Used by its thread alone.</summary>
internal sealed class SlotWorkloads(IWorkloadFactory factory, CheckpointWriter checkpoints, TimeProvider clock, ILogger<SlotWorkloads> log)
{
    private readonly Dictionary<IBlock, IWorkload> _open = [];

    public bool IsOpen(IBlock block) => _open.ContainsKey(block);

    /// <summary>The block's workload, opened where its chains are.</summary>
    public IWorkload Of(IBlock block)
    {
        if (!_open.TryGetValue(block, out IWorkload? workload))
            _open[block] = workload = Open(block);
        return workload;
    }

    public SavedChains Save(IWorkload workload)
    {
        long started = clock.GetTimestamp();
        byte[] content = workload.Save();
        return new SavedChains(content, clock.GetElapsedTime(started));
    }

    public void Dispose(IBlock block)
    {
        if (!_open.Remove(block, out IWorkload? workload))
            return;
        try
        {
            workload.Dispose();
        }
        catch (Exception e)
        {
            log.DisposeFailed(e, block.Job.Id);
        }
    }

    public void DisposeAll()
    {
        foreach (IBlock block in _open.Keys.ToArray())
            Dispose(block);
    }

    // A null array would convert to an empty checkpoint, not to none.
    private IWorkload Open(IBlock block) => checkpoints.Load(block) is { } checkpoint
        ? factory.Open(block.Job.Definition, block.Plan, checkpoint)
        : factory.Open(block.Job.Definition, block.Plan);
}
