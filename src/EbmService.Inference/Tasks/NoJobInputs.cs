using EbmService.Core.Failures;
using EbmService.Core.Jobs;

namespace EbmService.Inference.Tasks;

/// <summary>For processes without a job queue, whose jobs can't start from other jobs.</summary>
internal sealed class NoJobInputs : IJobInputs
{
    public byte[] Read(string jobId, JobInput input) => throw new FailureException(
        new Failure(FailureCode.NotSupported, "There are no other jobs here to start from.", "Submit the job to the service."));
}
