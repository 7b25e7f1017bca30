using EbmService.Core.Jobs;
using EbmService.Jobs.Storage;
using Microsoft.Extensions.Logging;

namespace EbmService.Jobs.Execution;

/// <summary>Removes what an ended job does not need: everything of a failed one; of others all but the results and, where they can be extended, the chains.</summary>
internal sealed class JobLeftovers(JobFolders folders, CheckpointStore checkpoints, ILogger<JobLeftovers> log)
{
    public void Remove(LiveJob job, JobSnapshot end)
    {
        try
        {
            if (end.Status == JobStatus.Failed)
            {
                folders.Delete(job.Id);
                return;
            }
            folders.Delete(job.Id, JobFolders.Blocks);
            if (job.KeepsChains && end.IsExtendable())
            {
                foreach (LiveBlock block in job.Blocks)
                    checkpoints.Prune(job.Id, block.Plan.Index);
                return;
            }
            folders.Delete(job.Id, JobFolders.Checkpoints);
            folders.Delete(job.Id, JobFolders.Inputs);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.FilesNotRemoved(e, job.Id);
        }
    }
}
