using EbmService.Core.Devices;
using EbmService.Core.Editing;
using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Inference.Devices;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;

namespace EbmService.Inference.JobTypes.Editing;

/// <summary>The job type <c>editing</c>: rows changed along the energy, in blocks of rows.</summary>
internal sealed class EditingJobType(
    Lazy<LiveModelPool> models, Lazy<TorchDevice> device, IComputeDevice info, IModelCatalog catalog, IImageCodec images, IJobInputs inputs) : IJobType
{
    public JobTypeDescription Description => EditingJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) =>
        EditingAcceptance.AcceptAsync(proposal, cancellationToken);

    public JobPlan Plan(JobSpec spec) => PlanOf((EditingSpec)spec);

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        var spec = (EditingSpec)job.Spec;
        LiveModel model = models.Value.Get(job.Model);
        float[] rows = RowsReader.Read(inputs, job, spec.Rows, model.Descriptor.Input, block.Offset, block.Count);
        return new EditingWorkload(spec, block, model, device.Value.Handle, rows, checkpoint);
    }

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files)
    {
        HostedModel? model = catalog.Find(job.Model).Value;
        new EditingResults(job, (EditingSpec)job.Spec, blocks, model?.Descriptor?.Input, images, inputs).Write(stopped, info.Info, files);
        return null;
    }

    internal static JobPlan PlanOf(EditingSpec spec) => JobPlan.Create(spec.Rows.Count, spec.BlockSize, _ => spec.Steps);
}
