using EbmService.Core.Failures;
using EbmService.Core.Imaging;
using EbmService.Core.Jobs;
using EbmService.Core.Sampling;
using EbmService.Core.Tensors;
using EbmService.Inference.Checkpoints;
using EbmService.Inference.Devices;

namespace EbmService.Inference.Tasks;

/// <summary>Opens the workload of each job type.</summary>
internal sealed class WorkloadFactory(LiveModelPool models, TorchDevice device, IImageCodec images, IJobInputs inputs) : IWorkloadFactory
{
    public IWorkload Open(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint = null) =>
        new TranslatedWorkload(NativeFailures.Translate(() => OpenUntranslated(job, block, checkpoint)));

    private IWorkload OpenUntranslated(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        LiveModel model = models.Get(job.Model.Key());
        if (model.Hosted.Digest != job.Model.Digest)
        {
            throw new FailureException(new Failure(
                FailureCode.ModelUnavailable, "The model version was replaced after the job was accepted.", "Submit the job again."));
        }
        try
        {
            return job.Spec switch
            {
                SamplingSpec sampling => new SamplingWorkload(sampling, block, model, device.Handle, images, checkpoint, StartStates(job, sampling, checkpoint)),
                _ => throw new ArgumentOutOfRangeException(nameof(job), job.Spec.Type, "not a known job type"),
            };
        }
        catch (InvalidCheckpointException exception)
        {
            throw new FailureException(new Failure(FailureCode.Internal, "A checkpoint of the job is damaged."), exception);
        }
    }

    /// <summary>A block that goes on from a checkpoint does not need them again.</summary>
    private TensorPayload? StartStates(JobDefinition job, SamplingSpec spec, ReadOnlyMemory<byte>? checkpoint) =>
        checkpoint is null && spec.Inputs is [var start] ? NpyFormat.Read(inputs.Read(job.Id, start)) : null;
}
