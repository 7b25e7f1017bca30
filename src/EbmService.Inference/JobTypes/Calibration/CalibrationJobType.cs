using EbmService.Core.Calibration;
using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;
using EbmService.Inference.Ood;

namespace EbmService.Inference.JobTypes.Calibration;

/// <summary>The job type <c>calibration</c>: one block whose steps are tiles of rows, read from their file when their turn comes.</summary>
internal sealed class CalibrationJobType(
    Lazy<LiveModelPool> models, Lazy<TorchDevice> device, IComputeDevice info, IJobInputs inputs, Lazy<ICalibrations> store) : IJobType
{
    public JobTypeDescription Description => CalibrationJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) =>
        CalibrationAcceptance.AcceptAsync(proposal, cancellationToken);

    public JobPlan Plan(JobSpec spec) =>
        JobPlan.Create(items: 1, blockSize: 1, _ => OodCalibrator.StepsOf(((CalibrationSpec)spec).Data.Count));

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint) =>
        new CalibrationWorkload(job, block, models.Value.Get(job.Model), device.Value.Handle, inputs, checkpoint);

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files) =>
        new CalibrationResults(job, blocks, store.Value).Write(stopped, info.Info, files);

    /// <summary>Rows that went through the model: those that are fitted on do so twice.</summary>
    public long UnitsAt(JobSpec spec, BlockPlan block, int step) => (long)step * CalibrationJob.TileRows;
}
