using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Training;
using EbmService.Inference.Architectures;
using EbmService.Inference.Data;
using EbmService.Inference.Models;
using EbmService.Inference.Training;
using Microsoft.Extensions.Options;

namespace EbmService.Inference.JobTypes.Training;

/// <summary>
/// The job type <c>training</c>: one block whose steps are iterations, and after the last of them tiles of held-out rows for the calibration. It takes
/// one slot, whatever the config's number of parts; the parts run one after the other to the same bits.
/// </summary>
internal sealed class TrainingJobType(
    ModelRepository repository, DataCatalog data, Lazy<IModelLoader> loader, Lazy<IModelCatalog> catalog, IImageCodec images,
    IComputeDevice device, IOptions<TrainingOptions> options, TimeProvider clock) : IJobType
{
    public JobTypeDescription Description => TrainingJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken)
    {
        if (!options.Value.Enabled)
        {
            return Task.FromResult<Outcome<AcceptedJob>>(new Failure(FailureCode.NotAllowed, "This server does not train models.",
                "The operator sets Training:Enabled to true, or trains with 'ebm train'."));
        }
        // Reading and hashing a data set takes its time.
        return Task.Run(() => new TrainingAcceptance(repository, data, proposal).Accept(), cancellationToken);
    }

    public JobPlan Plan(JobSpec spec)
    {
        var training = (TrainingSpec)spec;
        int steps = training.Config.Iterations + TrainingCalibration.TilesOf(training.Config, training.Rows);
        return JobPlan.Create(items: 1, blockSize: 1, _ => steps);
    }

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        var spec = (TrainingSpec)job.Spec;
        try
        {
            return new TrainingWorkload(spec, block, data.Read(
                spec.Data, spec.Descriptor.VisibleSchema(), spec.Sha256, spec.RowsSha256, spec.LabelsSha256), images, checkpoint);
        }
        catch (InvalidDatasetException e)
        {
            throw new FailureException(new Failure(FailureCode.InvalidRequest, $"The data can't be used: {e.Message}.", "Put it back as it was, or submit the job again."), e);
        }
    }

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files) =>
        new TrainingResults(job, blocks, images).Write(
            stopped, device.Info, files, new TrainingPublisher(loader.Value, catalog.Value, clock));

    public long UnitsAt(JobSpec spec, BlockPlan block, int step) => Math.Min(step, ((TrainingSpec)spec).Config.Iterations);
}
