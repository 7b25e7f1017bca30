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
        NativeFailures.Translate(() => OpenUntranslated(job, block, checkpoint));

    private TranslatedWorkload OpenUntranslated(JobDefinition job, BlockPlan block, ReadOnlyMemory<byte>? checkpoint)
    {
        List<ModelLease> leases = [];
        try
        {
            foreach (JobModel model in job.Models.Where(model => !model.IsMade))
                leases.Add(models.Lease(model.Reference()));
            var workload = new TranslatedWorkload(types.Of(job.Spec).Open(job, block, checkpoint), leases);
            models.Keep(job.Id, job.Models.Where(model => !model.IsMade).Select(model => model.Reference()));
            return workload;
        }
        catch (Exception exception)
        {
            leases.ForEach(lease => lease.Dispose());
            if (exception is InvalidCheckpointException)
                throw new FailureException(new Failure(FailureCode.Internal, "A checkpoint of the job is damaged."), exception);
            throw;
        }
    }

    /// <summary>A workload whose native failures are translated; its models stay on the device as long as it is open.</summary>
    private sealed class TranslatedWorkload(IWorkload inner, List<ModelLease> leases) : IWorkload
    {
        public StepReport Advance(QuantumBudget budget) => NativeFailures.Translate(() => inner.Advance(budget));

        public byte[] Save() => NativeFailures.Translate(inner.Save);

        public byte[] Finish() => NativeFailures.Translate(inner.Finish);

        public void Dispose()
        {
            try
            {
                inner.Dispose();
            }
            finally
            {
                leases.ForEach(lease => lease.Dispose());
            }
        }
    }
}
