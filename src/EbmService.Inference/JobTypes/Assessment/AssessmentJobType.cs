using EbmService.Core.Assessment;
using EbmService.Core.Calibration;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Inference.Devices;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;

namespace EbmService.Inference.JobTypes.Assessment;

/// <summary>The job type <c>assessment</c>: rows of several sets in blocks, read from their files and scored, so that memory does not grow with them.</summary>
internal sealed class AssessmentJobType(
    Lazy<LiveModelPool> models, Lazy<TorchDevice> device, IComputeDevice info, IJobInputs inputs, Lazy<ICalibrations> store,
    Lazy<NamedCalibrations> calibrations) : IJobType
{
    public JobTypeDescription Description => AssessmentJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) =>
        AssessmentAcceptance.AcceptAsync(proposal, store.Value, cancellationToken);

    public JobPlan Plan(JobSpec spec) => ((AssessmentSpec)spec).Plan();

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        var spec = (AssessmentSpec)job.Spec;
        LiveModel model = models.Value.Get(job.Model);
        OodCalibration? calibration = calibrations.Value.FindPinned(model, spec.Calibration, spec.CalibrationId);
        (int set, int first) = spec.Place(block);
        float[] rows = RowsReader.Read(inputs, job, spec.Sets[set].Rows, model.Descriptor.Input, first, block.Count);
        int[]? labels = set > 0 || model.Energy.Classes == 0 ? null : RowsReader.ReadLabels(inputs, job, spec.InDistribution, first, block.Count);
        return new AssessmentWorkload(spec, block, model, calibration, device.Value.Handle, rows, labels, checkpoint);
    }

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files)
    {
        new AssessmentResults(job, blocks).Write(stopped, info.Info, files);
        return null;
    }

    public long UnitsAt(JobSpec spec, BlockPlan block, int step) => Math.Min(block.Count, (long)step * AssessmentJob.TileRows);
}
