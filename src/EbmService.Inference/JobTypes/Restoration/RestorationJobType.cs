using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Restoration;
using EbmService.Inference.Devices;
using EbmService.Inference.Models;

namespace EbmService.Inference.JobTypes.Restoration;

/// <summary>The job type <c>restoration</c>: what is missing or damaged in inputs, drawn given what is known.</summary>
internal sealed class RestorationJobType(
    Lazy<LiveModelPool> models, Lazy<TorchDevice> device, Lazy<IModelCatalog> catalog, IComputeDevice info, IImageCodec images, IJobInputs inputs) : IJobType
{
    public JobTypeDescription Description => RestorationJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) =>
        RestorationAcceptance.AcceptAsync(proposal, cancellationToken);

    /// <summary>Items are the inputs, then the rows that intervals are calibrated on. Blocks of the latter alone look through the reference only where chains start there.</summary>
    public JobPlan Plan(JobSpec spec)
    {
        var restoration = (RestorationSpec)spec;
        JobPlan plan = JobPlan.Create(restoration.Items, restoration.BlockSize, _ => restoration.Steps);
        return new JobPlan([.. plan.Blocks.Select(block => block.Offset >= restoration.Count && restoration.Start != RestorationStart.Reference ? block : block with { Steps = restoration.Steps + restoration.ReferenceSteps })]);
    }

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint) =>
        new RestorationWorkload(job, block, models.Value.Get(job.Model), device.Value.Handle, inputs, checkpoint);

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files)
    {
        InputSchema input = catalog.Value.Find(job.Model).OrThrow().Descriptor!.Input;
        new RestorationResults(job, (RestorationSpec)job.Spec, Plan(job.Spec), blocks, input, images).Write(stopped, info.Info, files);
        return null;
    }
}
