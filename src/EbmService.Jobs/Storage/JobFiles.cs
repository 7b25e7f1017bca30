namespace EbmService.Jobs.Storage;

/// <summary>A job's files as a whole, with what is kept in memory of them. Thread-safe.</summary>
internal sealed class JobFiles(JobFolders folders, ResultStore results, CheckpointStore checkpoints, BlockLogs logs, JobInputs inputs)
{
    /// <summary>Keeps nothing of the job's files in memory: it has ended, or they are about to go.</summary>
    public void Forget(string id)
    {
        results.Forget(id);
        checkpoints.Forget(id);
        logs.Forget(id);
        inputs.Forget(id);
    }

    /// <exception cref="IOException">Some could not be removed.</exception>
    public void Delete(string id)
    {
        Forget(id);
        folders.Delete(id);
    }
}
