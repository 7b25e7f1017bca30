using EbmService.Core.Failures;
using EbmService.Core.Jobs;
using EbmService.Inference.Devices;
using EbmService.Inference.Formats;
using EbmService.Inference.Models;

namespace EbmService.Inference.JobTypes;

/// <summary>Opens the workload of each job type, over the very models that the job was accepted for.</summary>
internal sealed class WorkloadFactory(JobTypeRegistry types, LiveModelPool models) : IWorkloadFactory
{
    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint = null) =>
        new TranslatedWorkload(NativeFailures.Translate(() => OpenUntranslated(job, block, checkpoint)));

    private IWorkload OpenUntranslated(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        if (job.Models.Any(model => models.Get(model.Key()).Hosted.Digest != model.Digest))
        {
            throw new FailureException(new Failure(
                FailureCode.ModelUnavailable, "The model version was replaced after the job was accepted.", "Submit the job again."));
        }
        try
        {
            return types.Of(job.Spec).Open(job, block, checkpoint);
        }
        catch (InvalidCheckpointException exception)
        {
            throw new FailureException(new Failure(FailureCode.Internal, "A checkpoint of the job is damaged."), exception);
        }
    }

    /// <summary>A workload whose native failures are translated.</summary>
    private sealed class TranslatedWorkload(IWorkload inner) : IWorkload
    {
        public StepReport Advance(QuantumBudget budget) => NativeFailures.Translate(() => inner.Advance(budget));

        public byte[] Save() => NativeFailures.Translate(inner.Save);

        public byte[] Finish() => NativeFailures.Translate(inner.Finish);

        public void Dispose() => inner.Dispose();
    }
}
