using EbmService.Core.Calibration;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Scoring;
using EbmService.Inference.Devices;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;

namespace EbmService.Inference.JobTypes.Scoring;

/// <summary>The job type <c>scoring</c>: rows of an array in blocks, read from a file and written to files, so that memory does not grow with them.</summary>
internal sealed class ScoringJobType(Lazy<LiveModelPool> models, Lazy<TorchDevice> device, IComputeDevice info, IJobInputs inputs, Lazy<ICalibrations> store,
    Lazy<NamedCalibrations> calibrations) : IJobType
{
    public JobTypeDescription Description => ScoringJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) =>
        ScoringAcceptance.AcceptAsync(proposal, store.Value, cancellationToken);

    public JobPlan Plan(JobSpec spec) => PlanOf((ScoringSpec)spec);

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        var spec = (ScoringSpec)job.Spec;
        LiveModel model = models.Value.Get(job.Model);
        float[] rows = RowsReader.Read(inputs, job, spec.Rows, model.Descriptor.Input, block.Offset, block.Count);
        // A job of an older service names none: it means the one that came with the version.
        OodCalibration? calibration = spec.Calibration is { } name ? calibrations.Value.FindPinned(model, name, spec.CalibrationId) : model.Calibration;
        return new ScoringWorkload(spec, block, model, calibration, device.Value.Handle, rows, checkpoint);
    }

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files)
    {
        new ScoringResults(job, (ScoringSpec)job.Spec, blocks).Write(stopped, info.Info, files);
        return null;
    }

    public long UnitsAt(JobSpec spec, BlockPlan block, int step) => Math.Min(block.Count, (long)step * ScoringJob.TileRows);

    /// <summary>A step is a tile of rows.</summary>
    internal static JobPlan PlanOf(ScoringSpec spec) =>
        JobPlan.Create(spec.Count, spec.BlockSize, rows => (rows + ScoringJob.TileRows - 1) / ScoringJob.TileRows);
}
