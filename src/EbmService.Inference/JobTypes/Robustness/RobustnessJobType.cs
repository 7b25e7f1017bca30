using EbmService.Core.Devices;
using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Core.Models;
using EbmService.Core.Robustness;
using EbmService.Inference.Devices;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;

namespace EbmService.Inference.JobTypes.Robustness;

/// <summary>The job type <c>robustness</c>: rows in blocks, read from a file and written to files, so that memory does not grow with them.</summary>
internal sealed class RobustnessJobType(
    Lazy<LiveModelPool> models, Lazy<TorchDevice> device, IModelCatalog catalog, IComputeDevice info, IJobInputs inputs) : IJobType
{
    public JobTypeDescription Description => RobustnessJob.Description;

    public Task<Outcome<AcceptedJob>> AcceptAsync(JobProposal proposal, CancellationToken cancellationToken) =>
        RobustnessAcceptance.AcceptAsync(proposal, cancellationToken);

    public JobPlan Plan(JobSpec spec) => PlanOf((RobustnessSpec)spec);

    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        var spec = (RobustnessSpec)job.Spec;
        LiveModel target = models.Value.Get(job.Model);
        LiveModel? source = job.Models.FirstOrDefault(model => model.Role == RobustnessJob.SourceRole) is { } second ? models.Value.Get(second.Reference()) : null;
        float[] rows = RowsReader.Read(inputs, job, spec.Rows, target.Descriptor.Input, block.Offset, block.Count);
        int[] labels = RowsReader.ReadLabels(inputs, job, spec.Rows, block.Offset, block.Count)!;
        int classes = target.Energy.Classes;
        if (Array.FindIndex(labels, label => label < 0 || label >= classes) is >= 0 and var bad)
        {
            throw new FailureException(new Failure(FailureCode.InvalidRequest,
                $"Row {block.Offset + bad} has the label {labels[bad]}, which is no class index: they go from 0 to {classes - 1}."));
        }
        return new RobustnessWorkload(spec, block, target.Energy, source?.Energy, target.Descriptor.Input, device.Value.Handle, rows, labels, checkpoint);
    }

    public Failure? Assemble(JobDefinition job, IReadOnlyList<BlockResult> blocks, string stopped, IResultWriter files)
    {
        new RobustnessResults(job, (RobustnessSpec)job.Spec, blocks, catalog.Find(job.Model).OrThrow().Descriptor!.Input).Write(stopped, info.Info, files);
        return null;
    }

    public long UnitsAt(JobSpec spec, BlockPlan block, int step) => step;

    /// <summary>A step is a row of a curve that has ended.</summary>
    internal static JobPlan PlanOf(RobustnessSpec spec) => JobPlan.Create(spec.Rows.Count, spec.BlockSize, rows => rows * spec.Curves.Count);
}
