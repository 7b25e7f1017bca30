using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Interpolation;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Inference.Devices;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;

namespace EbmService.Inference.JobTypes.Interpolation;

/// <summary>The job type <c>interpolation</c>: paths between rows, in blocks of paths.</summary>
internal sealed class InterpolationJobType(
    Lazy<LiveModelPool> models, Lazy<TorchDevice> device, IComputeDevice info, IModelCatalog catalog, IImageCodec images, IJobInputs inputs) : IJobType
{
    public JobTypeDescription Description => InterpolationJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) =>
        InterpolationAcceptance.AcceptAsync(proposal, cancellationToken);

    public JobPlan Plan(JobSpec spec) => PlanOf((InterpolationSpec)spec);

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        var spec = (InterpolationSpec)job.Spec;
        LiveModel model = models.Value.Get(job.Model);
        InputSchema input = model.Descriptor.Input;
        float[] from = RowsReader.Read(inputs, job, spec.From, input, block.Offset, block.Count);
        float[] to = RowsReader.Read(inputs, job, spec.To, input, block.Offset, block.Count);
        return new InterpolationWorkload(spec, block, model, device.Value.Handle, from, to, checkpoint);
    }

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files)
    {
        HostedModel? model = catalog.Find(job.Model).Value;
        new InterpolationResults(job, (InterpolationSpec)job.Spec, blocks, model?.Descriptor?.Input, images).Write(stopped, info.Info, files);
        return null;
    }

    /// <summary>A step of the band; the first step measures the straight path.</summary>
    internal static JobPlan PlanOf(InterpolationSpec spec) => JobPlan.Create(spec.Paths, spec.BlockSize, _ => 1 + spec.Steps);
}
