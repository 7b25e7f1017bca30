using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EbmService.Core.Files;

/// <summary>
/// Files and folders that are still there, whole, after a power cut. Every error of the system is heeded: what returns has
/// reached the disk. Thread-safe.
/// </summary>
public static class DurableFiles
{
    private const int ReadOnlyFlag = 0;

    // The same numbers on Linux and macOS but for the last, which each has its own.
    private const int Interrupted = 4;
    private const int InvalidArgument = 22;
    private static readonly int[] NotSupported = [45, 95];

    /// <summary>Writes a file and waits until its bytes are on the disk; what a full disk took is given back.</summary>
    /// <exception cref="IOException">The disk is full or refuses; no part of the file is left.</exception>
    public static void Write(string path, ReadOnlySpan<byte> head, ReadOnlySpan<byte> content)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            file.Write(head);
            file.Write(content);
            file.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Writes at the end of a file, cutting off what is behind it, and waits until it is on the disk.</summary>
    /// <param name="path">The file; made where it is missing, its folder is not.</param>
    /// <param name="end">Where the file ends as far as it counts.</param>
    /// <param name="parts">What comes there, in order.</param>
    /// <exception cref="IOException">The disk is full or refuses; the file ends as before.</exception>
    public static void Append(string path, long end, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        bool isNew = !File.Exists(path);
        using SafeFileHandle file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read | FileShare.Delete);
        try
        {
            if (RandomAccess.GetLength(file) > end)
                RandomAccess.SetLength(file, end);
            RandomAccess.Write(file, parts, end);
            RandomAccess.FlushToDisk(file);
            if (isNew)
                SyncFolder(FolderOf(path));
        }
        catch (IOException)
        {
            RandomAccess.SetLength(file, end);
            throw;
        }
    }

    /// <summary>Replaces a file, so that a reader, also after a power cut, sees the old bytes or the new ones.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content)
    {
        string temporary = TemporaryOf(path);
        try
        {
            Write(temporary, [], content);
            Rename(temporary, path);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>As <see cref="Replace(string, ReadOnlySpan{byte})"/>, for content that comes in parts.</summary>
    public static void Replace(string path, Action<Stream> write)
    {
        string temporary = TemporaryOf(path);
        try
        {
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }
            Rename(temporary, path);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Puts a written file in its place; the place itself is durable once its folder is synced.</summary>
    public static void Rename(string temporary, string path)
    {
        File.Move(temporary, path, overwrite: true);
        SyncFolder(FolderOf(path));
    }

    /// <summary>Creates the folder and those above it that are missing, and makes each new name durable.</summary>
    public static void CreateFolder(string path)
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full))
            return;
        var parents = new Stack<string>();
        for (string at = full; !Directory.Exists(at) && Path.GetDirectoryName(at) is { } parent; at = parent)
            parents.Push(parent);
        Directory.CreateDirectory(full);
        foreach (string parent in parents)
            SyncFolder(parent);
    }

    /// <summary>Makes the names in a folder durable. Windows needs no such call; a file system that can't is taken at its word.</summary>
    /// <exception cref="IOException">The folder can't be opened, or the disk refuses.</exception>
    public static void SyncFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        // .NET opens no folders.
        int handle = OpenNative(path, ReadOnlyFlag);
        if (handle < 0)
            throw Error("opened", path, Marshal.GetLastPInvokeError());
        int error = SyncOpen(handle);
        _ = CloseNative(handle);
        if (error != 0 && error != InvalidArgument && !NotSupported.Contains(error))
            throw Error("written to the disk", path, error);
    }

    /// <summary>The folder that a file's name is in.</summary>
    public static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    private static string TemporaryOf(string path) => $"{path}.{Guid.NewGuid():N}.tmp";

    private static int SyncOpen(int handle)
    {
        while (SyncNative(handle) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != Interrupted)
                return error;
        }
        return 0;
    }

    private static IOException Error(string what, string path, int error) =>
        new($"The folder '{path}' can't be {what}: {Marshal.GetPInvokeErrorMessage(error)}.", error);

    [DllImport("libc", EntryPoint = "open", CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true,
        SetLastError = true)]
    private static extern int OpenNative(string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int SyncNative(int handle);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int CloseNative(int handle);
}
