using EbmService.Core.Files;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace EbmService.Jobs.Storage;

/// <summary>
/// Keeps a second process off the data folder from before the database is opened until after the worker has stopped. The file has content
/// while a process works there, so the next one can tell a stop from a crash or a kill.
/// </summary>
internal sealed class DataFolderLock(IOptions<StorageOptions> options) : IHostedLifecycleService, IDisposable
{
    private const string FileName = "lock";

    /// <summary>EWOULDBLOCK of Linux and of macOS, ERROR_SHARING_VIOLATION of Windows.</summary>
    private static readonly int[] SharingViolations = [11, 35, unchecked((int)0x80070020)];

    private FileStream? _file;

    /// <value>The process before this one ended without a stop: it crashed, was killed, or the machine went down.</value>
    public bool FollowsUncleanEnd { get; private set; }

    /// <exception cref="StorageUnavailableException">Another process holds the folder, or it can't be written.</exception>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        string folder = Path.GetFullPath(options.Value.DataPath);
        _file = TryOpen(folder) ?? throw new StorageUnavailableException(
            $"Another process uses '{folder}': stop it, or give this one a folder of its own with Storage:DataPath.");
        FollowsUncleanEnd = _file.Length > 0;
        try
        {
            Mark(_file, inUse: true);
        }
        catch (IOException e)
        {
            throw NotWritable(folder, e);
        }
        return Task.CompletedTask;
    }

    /// <summary>The lock, as whoever had it last has left it; null where another process holds it.</summary>
    /// <exception cref="StorageUnavailableException">The folder can't be written.</exception>
    internal static FileStream? TryOpen(string folder)
    {
        try
        {
            DurableFiles.CreateFolder(folder);
            return new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (SharingViolations.Contains(e.HResult))
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(folder, e);
        }
    }

    private static StorageUnavailableException NotWritable(string folder, Exception e) =>
        new($"The folder '{folder}' of Storage:DataPath can't be written ({e.Message.TrimEnd('.')}).", e);

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        // A host may be stopped twice, and by two at once.
        using FileStream? file = Interlocked.Exchange(ref _file, null);
        if (file is not null)
            Mark(file, inUse: false);
        return Task.CompletedTask;
    }

    // The file stays: whoever removed it could remove it from under its next holder.
    public void Dispose() => Interlocked.Exchange(ref _file, null)?.Dispose();

    private static void Mark(FileStream file, bool inUse)
    {
        file.SetLength(0);
        if (inUse)
            file.Write("in use"u8);
        file.Flush();
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
