using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>Keeps a second process off the data folder from before the database is opened until after the worker has stopped.</summary>
internal sealed class DataFolderLock(IOptions<StorageOptions> options) : IHostedLifecycleService, IDisposable
{
    private const string FileName = "lock";

    /// <summary>EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION of Windows.</summary>
    private static readonly int[] SharingViolations = [11, 35, unchecked((int)0x80070020)];

    private FileStream? _file;

    /// <exception cref="StorageUnavailableException">Another process holds the folder, or it can't be written.</exception>
    public Task StartingAsync(CancellationToken cancellation)
    {
        string folder = Path.GetFullPath(options.Value.DataPath);
        try
        {
            Directory.CreateDirectory(folder);
            _file = new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (SharingViolations.Contains(e.HResult))
        {
            throw new StorageUnavailableException(
                $"Another process uses '{folder}': stop it, or give this one a folder of its own with Storage:DataPath.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageUnavailableException(
                $"The folder '{folder}' of Storage:DataPath can't be written ({e.Message.TrimEnd('.')}).", e);
        }
        return Task.CompletedTask;
    }

    public Task StoppedAsync(CancellationToken cancellation)
    {
        Dispose();
        return Task.CompletedTask;
    }

    // The file stays: whoever removed it could remove it from under its next holder.
    public void Dispose() => _file?.Dispose();

    public Task StartAsync(CancellationToken cancellation) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellation) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellation) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellation) => Task.CompletedTask;
}
