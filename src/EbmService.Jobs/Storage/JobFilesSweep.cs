using EbmService.Core.Files;

namespace EbmService.Jobs.Storage;

/// <summary>Removes at start what earlier processes left behind.</summary>
internal sealed class JobFilesSweep(JobFolders folders)
{
    /// <summary>Folders of jobs that the database no longer knows, block results of ended jobs, and files whose writing was cut short.</summary>
    /// <param name="ended">The jobs of the database, and whether each has ended.</param>
    /// <param name="failed">Told of each job whose files could not be removed.</param>
    public void Run(IReadOnlyDictionary<string, bool> ended, Action<Exception, string> failed)
    {
        DurableFiles.CreateFolder(folders.Root);
        foreach (string folder in Directory.EnumerateDirectories(folders.Root))
        {
            string id = Path.GetFileName(folder);
            if (!JobFolders.IsValidId(id))
                continue;
            try
            {
                Sweep(folder, ended.TryGetValue(id, out bool over) ? over : null);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                failed(e, id);
            }
        }
    }

    private static void Sweep(string folder, bool? ended)
    {
        if (ended is null)
        {
            JobFolders.DeleteFolder(folder);
            return;
        }
        if (ended.Value)
            JobFolders.DeleteFolder(Path.Combine(folder, JobFolders.Blocks));
        foreach (string file in Directory.EnumerateFiles(folder, "*" + JobDisk.TemporarySuffix, SearchOption.AllDirectories))
            File.Delete(file);
    }
}
